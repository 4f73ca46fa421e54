"""Run the P3.5 analytics of apply results as one hardened unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.host import Host
from harness.masking import Secret
from harness.resources import Credential, Release, Resource, Template, Unit
from harness.settings import address, at_least, settings

SERVICE = "p35-decision-intelligence"
ENV = "/etc/quantum/p35-decision-intelligence.env"
MODULE = "consumers.decision_intelligence"

PROOFS = (
    "running_what_was_deployed",
    "stays_up",
    "effect_flows",
    "backlog_drains",
    "nothing_lost_nothing_doubled",
)
#: What must be proved before a deploy is committed: what the past cannot spoil.
GATE = ("running_what_was_deployed", "stays_up", "effect_flows", "backlog_drains")
SERVICES = (SERVICE,)
#: Rendered into the env file under the same names in capitals; the consumer knows them all.
SETTINGS: Mapping[str, object] = {
    "redis_host": "localhost",
    "redis_port": 6379,
    "redis_db": 0,
    "redis_username": "",
    "log_level": "INFO",
    "consumer_name": "",  #: empty: <host>-1
    "stream_apply_result": "quantum:stream:apply.result",
    "group_decision_intelligence": "p35_decision_intel",
    "enable_symbol_breakdown": True,
    "snapshot_interval_s": 60,
    "batch_size": 1000,
    "claim_idle_ms": 5000,
}
VARIABLES: Mapping[str, object] = {
    **SETTINGS,
    "redis_password": None,
    "canary": None,  #: whether a proof may add one event; unsaid: not where mode is live
}
#: The users' own limits for this service.
LIMITS = {"memory_max": "256M", "cpu_quota": "20%"}


def resources(host: Host) -> Iterator[Resource]:
    """Yield what must hold on `host`, in the order it must come to hold."""
    values = settings(host, SETTINGS)
    for name in ("redis_port", "snapshot_interval_s", "batch_size", "claim_idle_ms"):
        at_least(host, name, values[name], 1)
    values["consumer_name"] = values["consumer_name"] or f"{host.name}-1"
    password = host.values.get("redis_password")
    credentials = {"redis_password": password} if isinstance(password, Secret) else {}

    yield Release(MODULE)
    yield Template(
        "env/stream-consumer.env.j2",
        ENV,
        mode=0o640,
        extra={"settings": {"quantum_mode": host.mode, **values}},
    )
    for name, value in credentials.items():
        yield Credential(SERVICE, name, value)
    yield Unit(
        "quantum-p35-decision-intelligence.service",
        template="units/stream-consumer.service.j2",
        service=SERVICE,
        env=ENV,
        credentials=tuple(credentials),
        extra={
            "description": "decision intelligence (P3.5)",
            "module": MODULE,
            "addresses": tuple(filter(None, [address(host, "redis_host")])),
            **LIMITS,
        },
    )
