"""A host with every role, and the exact files that it would have."""

from __future__ import annotations

from dataclasses import replace

import roles
from harness.desired import Desired, compose
from harness.host import Host
from harness.masking import Secret
from harness.rendering import render

PASSWORD = 'pass word "quoted" \\ #$HOME äß'
HOST = Host(
    "db1", "lab", "testnet",
    ("decision_intelligence", "redis_server", "strategy_router", "execution"),
    values={"redis_host": "10.0.0.1", "redis_password": Secret(PASSWORD)},
)  # fmt: skip
ENV = "/etc/quantum/p35-decision-intelligence.env"
UNIT = "/etc/systemd/system/quantum-p35-decision-intelligence.service"
CONFIG = "/etc/redis/redis.conf"
#: role -> its env file and its (first) unit
CONSUMERS = {
    "decision_intelligence": (ENV, UNIT),
    "strategy_router": (
        "/etc/quantum/ai-strategy-router.env",
        "/etc/systemd/system/quantum-ai-strategy-router.service",
    ),
    "execution": (
        "/etc/quantum/execution.env",
        "/etc/systemd/system/quantum-execution@1.service",
    ),
}
EXECUTION_ENV, EXECUTION_UNIT = CONSUMERS["execution"]


def having(**values: object) -> Host:
    return replace(HOST, values={**HOST.values, **values})


def desired(host: Host = HOST) -> Desired:
    resources = [each for role in roles.of(host) for each in role.resources(host)]
    return compose(host, resources, "a" * 64, render)


def text(path: str, host: Host = HOST) -> str:
    return next(one for one in desired(host).paths if one.path == path).content.decode()


def environment(host: Host = HOST, env: str = ENV) -> dict[str, str]:
    lines = [line for line in text(env, host).splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)
