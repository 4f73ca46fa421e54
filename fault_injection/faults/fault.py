"""What a fault is: whom it is for, the words that inject it, and what people should know of it.

A fault is a pure value. Its words are steps for the agent (harness/fault_requests.py), or acts of
the laptop on a stream, which leave nothing behind that would have to be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fault_injection.chance import Chance

Words = tuple[Mapping[str, Any], ...]

FAMILIES = ("consumer", "events", "groups", "redis", "network", "exchange", "host", "deploy")
#: Who injects: the agent on the host, which undoes it by itself, or the laptop.
AGENT, LAPTOP = "agent", "laptop"
#: The acts that a laptop does while the fault lasts: on a `stream` and its `group`, or on the
#: simulated exchange that a run on a sandbox has (fault_injection/exchange_acts).
ACTS: Mapping[str, str] = {
    "repeat": "add `percent` of the latest events once more, `times` over",
    "disorder": "hold `percent` of the events back for `back_ms`",
    "poison": "add `count` entries that are broken in the ways of `hows`",
    "burst": "add `count` events as fast as it goes",
    "die_with_pending": "read `count` entries as `consumer`, without a heartbeat, for good",
    "make_ghosts": "create `count` consumers without a heartbeat",
    "misbehave": "treat `percent` of the calls `on` the exchange in each of `ways`, by `seed`",
    "skew_clock": "set the exchange's clock `ahead_ms` ahead",
}
#: The acts that a laptop does on the deploys of its workload: one of the next meets it.
DEPLOY_ACTS: Mapping[str, str] = {
    "kill_laptop": "kill it at `at_percent` of the time that one takes",
    "deploy_too": "start another one of a third release at `at_percent` of that time",
    "deploy_release": "deploy `release`, which is broken on purpose",
    "kill_sshd": "send a new release; on `host` kill the sshd that has read `after_kib` of it",
}

DECISION_INTELLIGENCE, ROUTER = "p35-decision-intelligence", "ai-strategy-router"
EXECUTION, REDIS = "execution", "redis-server"
CONSUMERS = (DECISION_INTELLIGENCE, ROUTER, EXECUTION)

#: What a fault may need -> why a host without it cannot have the fault.
NEEDS: Mapping[str, str] = {
    "own network": "packet rules need root and nft on a host with a network of its own",
    "own mounts": "covering a folder needs root on a host with mounts of its own",
    "own users": "modes only keep out units that run as other users than the folder's",
    "own sshd": "a directory is reached without SSH, so there is no sshd to kill",
    "redis by address": "a packet rule takes addresses, and redis_host is a name",
    "redis users": "the services have no Redis users of their own (redis_acl)",
    "simulated exchange": "orders go to a simulated exchange on the laptop in a sandbox alone",
    "redis settings": "no file on the host holds the password by which Redis's settings change:"
    " invoke faults.allow",
}
#: Where a fault can run -> what can be had there.
PLACES: Mapping[str, frozenset[str]] = {
    "sandbox": frozenset(
        {"redis by address", "redis users", "redis settings", "simulated exchange"}
    ),
    "lab": frozenset(NEEDS) - {"simulated exchange"},
}
#: What is seen of a table of packet rules, and how it goes; of a drop-in; of a setting of Redis.
PACKETS_MET = "the table is there, and its counters tell how many packets it met"
TABLE_GONE = "the table is deleted as a whole"
STARTED_SO = "the drop-in counts, and the unit has another invocation"
STARTED_WITHOUT = "the drop-in goes, and the unit starts without it"
#: What is seen of the simulated exchange, and how it is well again.
ANSWERED_SO = "the exchange's own record tells of a call that was treated so"
ANSWERS_WELL = "nothing of it is planned or held back any more, and it answers"
SET_SO = "CONFIG GET tells it"
SET_BACK = "CONFIG SET to what it was, if it is still the same server"
#: After its own time the host still waits so long for the laptop's undo, in seconds.
SPARE_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A unit that something can be done to, in plain values."""

    host: str
    service: str
    unit: str
    stream: str = ""  #: what it reads
    group: str = ""
    redis_host: str = "127.0.0.1"  #: as the unit reaches it
    redis_port: int = 6379
    redis_users: tuple[str, ...] = ()  #: of the services, where the unit is Redis
    password_file: str = ""  #: on the host, of a Redis user who may do everything
    ssh_port: int = 22
    can: tuple[str, ...] = ()  #: words of NEEDS


@dataclass(frozen=True, slots=True)
class Aim:
    """One injection: at whom, how long, and what is left to chance."""

    target: Target
    chance: Chance
    lasts_ms: int

    def redis(self, **what: Any) -> Mapping[str, Any]:
        """Return a redis step for the target's Redis."""
        target = self.target
        at = {"host": target.redis_host, "port": target.redis_port}
        login = {"password_file": target.password_file} if target.password_file else {}
        return {"do": "redis", **at, **login, **what}

    def failpoint(self, told: str) -> Words:
        """Return the steps that start the unit anew with QUANTUM_FAILPOINTS set."""
        lines = ["[Service]", f"Environment=QUANTUM_FAILPOINTS={told}"]
        return ({"do": "dropin", "unit": self.target.unit, "lines": lines, "restart": True},)

    def deploy(self, do: str, **what: Any) -> Words:
        """Return an act of the laptop on its deploys."""
        return ({"do": do, **what},)

    def act(self, do: str, **what: Any) -> Words:
        """Return an act of the laptop on what the target reads."""
        return ({"do": do, "stream": self.target.stream, "group": self.target.group, **what},)

    def ill(self, *ways: str, on: str, percent: int) -> Words:
        """Return an act on the simulated exchange; ways: fault_injection/exchange_acts."""
        seed = self.chance.below(1 << 32)
        return self.act("misbehave", ways=list(ways), on=on, percent=percent, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A way to break something."""

    name: str
    family: str
    breaks: str  #: the module's docstring, which says it first
    words: Callable[[Aim], Words]
    injected: str
    observed: str
    undone: str
    threatens: tuple[str, ...]  #: names of checkers and claims
    on: tuple[str, ...] = CONSUMERS
    needs: tuple[str, ...] = ()
    by: str = AGENT
    lasts_s: tuple[int, int] = (3, 8)
    #: meanwhile nobody can reach the host, which undoes it alone
    alone: bool = False
    #: that it took effect is not enough: while it lasts the unit must have died of it
    kills: bool = False
    #: every connection to Redis ends, also the one on which it is watched
    ends_watch: bool = False

    @property
    def where(self) -> tuple[str, ...]:
        """Return the places that have what it needs."""
        return tuple(place for place, has in PLACES.items() if has.issuperset(self.needs))

    def missing(self, target: Target) -> tuple[str, ...]:
        """Return what the target lacks for it."""
        return tuple(each for each in self.needs if each not in target.can)
