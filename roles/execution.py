"""Run the executors of trade.intent as hardened units, which place no order unless trading is on.

Trading needs a mode that is not sandbox, TRADING_ENABLED=true and SAFE_DRAIN=false. No inventory
can say the last two: `invoke trading.enable` deploys the host that `trading` returns, after its
proofs. Every other deploy renders them shut, so a plain deploy after it switches trading off again
(its plan says so) until it is enabled anew, with fresh proofs of what was deployed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.errors import ConfigurationError
from harness.host import Host
from harness.masking import Secret
from harness.resources import Resource
from harness.settings import LOOPBACK_NAMES, refuse, secret
from roles.redis_users import Grant, Names
from roles.stream_consumer import CONFINED, EFFECTIVE, StreamConsumer

#: Holds the mode to trade in. No inventory can have a variable of such a name.
TRADING = "trading.enable"
#: Holds where the simulated exchange of a fault day is. Neither can it have this one.
SIMULATED = "faults.exchange"
SHUT: Mapping[str, object] = {"safe_drain": True, "trading_enabled": False}
OPEN: Mapping[str, object] = {"safe_drain": False, "trading_enabled": True}
EXCHANGES = ("paper", "binance_futures")
STARTS = ("backlog", "new")
CREDENTIALS = ("exchange_api_key", "exchange_api_secret")
#: What the simulated exchange knows, and no other one: made up, and it protects nothing.
MADE_UP = {"exchange_api_key": "simulated-key", "exchange_api_secret": "simulated-secret"}
#: No port but this machine's own, by its number: a name may mean another one.
OWN_MACHINE = re.compile(r"http://127\.0\.0\.1:[1-9][0-9]{0,4}")
#: An account of no worth needs no limits, and one that is full would place no order any more.
LIFTED: Mapping[str, object] = {
    "max_notional_per_symbol_usd": 1e9, "max_open_positions": 1_000,
    "max_orders_per_minute": 1_000_000,
}  # fmt: skip
#: An order that stays open or is not answered holds all others up, and nobody closes what is
#: protected: looking at all of it as often as elsewhere would soon be all that is done.
SIMULATION: Mapping[str, object] = {
    **LIFTED, "order_follow_s": 5.0, "exchange_timeout_s": 2.0, "protection_every_s": 60.0,
}  # fmt: skip


def _beyond(names: Names) -> tuple[Grant, ...]:
    """Return what an intent's way to its end needs; the kill switch can be looked at, no more."""
    told = ("stream_execution_result", "stream_apply_result")
    published = tuple(names[each] for each in told if names[each])
    kept = "quantum:execution"
    return (
        Grant(("xgroup|setid",), (names["stream_trade_intent"],)),
        Grant(("exists",), ("quantum:trading:kill_switch",)),
        Grant(("hget",), (f"{kept}:status",)),
        Grant(
            ("type", "hget", "hmget", "hgetall", "hset", "hdel", "hincrby", "expire", "exists"),
            ("quantum:intent:*",),
        ),
        Grant(
            ("type", "hget", "hmget", "hgetall", "hset", "hdel", "hincrby", "hexists", "expire"),
            (f"{kept}:exposure", f"{kept}:rate", f"{kept}:leverage", "quantum:paper:*"),
        ),
        Grant(
            ("type", "scard", "smembers", "sadd", "srem"), (f"{kept}:open", f"{kept}:protected:*")
        ),
        Grant(("type", "zadd", "zrem", "zscore", "zrangebyscore"), (f"{kept}:protected",)),
        Grant(("type", "xadd"), (*published, f"{kept}:skipped")),
    )


class Execution(StreamConsumer):
    """The role: like every consumer's, but for the gates to trading and the way to an exchange."""

    @property
    def VARIABLES(self) -> Mapping[str, object]:  # noqa: N802 - the role's word
        """Return every variable that it reads, with its default."""
        return {**super().VARIABLES, **SHUT, **dict.fromkeys(CREDENTIALS)}

    def resources(self, host: Host) -> Iterator[Resource]:
        """Yield what must hold on `host`, in the order it must come to hold."""
        for name, shut in SHUT.items():
            if host.values.get(name, shut) is not shut:
                refuse(
                    host, name, "is not for an inventory to open",
                    f"take {name} out of inventory {host.inventory}: trading is enabled by"
                    " invoke trading.enable",
                )  # fmt: skip
        _one_of(host, "start_at", STARTS)
        credentials: dict[str, Secret] = {}
        libraries = ""
        if SIMULATED in host.values:
            _refuse_no_rehearsal(host)
        if _one_of(host, "exchange", EXCHANGES) != "paper":
            if host.mode == "sandbox" and SIMULATED not in host.values:
                refuse(host, "exchange", "must be paper where the mode is sandbox")
            credentials = {name: secret(host, name) for name in CREDENTIALS}
            libraries = "exchange"
        mode = host.values.get(TRADING)
        gates = {**OPEN, "quantum_mode": mode} if mode else SHUT
        yield from self.place(
            host, gates, credentials=credentials, internet=_outside(host), libraries=libraries
        )


ROLE = Execution(
    name="execution",
    service="execution",
    description="execution",
    READS=("stream_trade_intent", "group_execution"),
    several=True,
    status="quantum:execution:status",
    beyond=_beyond,
    own={
        "stream_trade_intent": "quantum:stream:trade.intent",
        "group_execution": "quantum:group:execution:trade.intent",
        "stream_execution_result": "quantum:stream:execution.result",
        "stream_apply_result": "quantum:stream:apply.result",  #: empty: none is published
        "intent_max_age_s": 600,
        "start_at": "backlog",
        "exchange": "paper",
        "exchange_url": "",  #: empty: the mode's own
        "exchange_timeout_s": 5.0,
        "clock_skew_ms": 2000,
        "order_follow_s": 30.0,
        "protection_every_s": 5.0,
        "breaker_failures": 5,
        "breaker_open_s": 10.0,
        "max_notional_per_order_usd": 1000.0,
        "max_notional_per_symbol_usd": 5000.0,
        "max_open_positions": 10,
        "max_orders_per_minute": 60,
    },
    positive=("intent_max_age_s", "breaker_failures"),
    PROOFS=(*EFFECTIVE, "nothing_lost_nothing_doubled", "one_terminal_state", CONFINED),
    GATE=EFFECTIVE,
)


def trading(host: Host) -> Host:
    """Return the host with trading on; for `invoke trading.enable` alone.

    Raises ConfigurationError where it can have no effect: no such role, or the mode is sandbox.
    """
    if "execution" not in host.roles:
        raise ConfigurationError(
            "the role execution is not among its roles", host=host.name, step="trading",
            action="narrow the hosts with --limit",
        )  # fmt: skip
    if host.mode == "sandbox":
        raise ConfigurationError(
            "no order is placed where the mode is sandbox", host=host.name, step="trading",
            action="use an inventory whose mode is testnet",
        )  # fmt: skip
    return replace(host, values={**host.values, TRADING: host.mode})


def rehearsing(host: Host, exchange_url: str = "") -> Host:
    """Return a sandbox whose execution believes that it trades on a testnet, without limits.

    For the demo and for fault days: on paper, or at the simulated exchange at `exchange_url`, which
    raises ConfigurationError unless that is a port of this machine and a directory stands for the
    host. Any other host is returned as it is.
    """
    if "execution" not in host.roles:
        return host
    if exchange_url:
        simulated = {SIMULATED: exchange_url, "exchange": "binance_futures", **SIMULATION}
        simulated |= {"exchange_url": exchange_url, TRADING: "testnet"}
        simulated |= {name: Secret(value) for name, value in MADE_UP.items()}
        rehearsed = replace(host, values={**host.values, **simulated})
        _refuse_no_rehearsal(rehearsed)
        return rehearsed
    if host.mode != "sandbox":
        return host
    return replace(host, values={**host.values, **LIFTED, TRADING: "testnet"})


def _refuse_no_rehearsal(host: Host) -> None:
    """Refuse a simulated exchange anywhere but on this very machine, and any other in its place."""
    where = host.text(SIMULATED)
    if host.mode != "sandbox" or not host.sandbox:
        raise ConfigurationError(
            "the simulated exchange is for hosts of this machine, in mode sandbox",
            host=host.name, step="rehearsal", action="use an inventory whose hosts are directories",
        )  # fmt: skip
    own = {name: host.values.get(name) == Secret(value) for name, value in MADE_UP.items()}
    if not (
        OWN_MACHINE.fullmatch(where) and where == host.text("exchange_url") and all(own.values())
    ):
        raise ConfigurationError(
            f"{where} is no simulated exchange of this machine", step="rehearsal", host=host.name,
            action="give it as http://127.0.0.1:PORT",
        )  # fmt: skip


def _one_of(host: Host, name: str, words: tuple[str, ...]) -> str:
    found = host.values.get(name, words[0])
    if found not in words:
        refuse(host, name, f"must be {' or '.join(words)}")
    return str(found)


def _outside(host: Host) -> bool:
    """Tell whether orders leave this machine; the exchange simulator may run beside the unit."""
    if host.text("exchange", "paper") == "paper":
        return False
    place = host.text("exchange_url").partition("://")[2].rpartition(":")[0]
    return place not in {*LOOPBACK_NAMES, "127.0.0.1", "[::1]"}
