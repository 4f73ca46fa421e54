"""Run a consumer of a stream as hardened units: what the roles of all consumers have in common.

A consumer's own role is one StreamConsumer: its names, its settings, and what is claimed about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.host import Host
from harness.masking import Secret
from harness.resources import Absent, Credential, Release, Resource, SystemUser, Template, Unit
from harness.settings import address, at_least, matches, refuse, secret, settings
from roles import redis_users
from roles.redis_users import Grant, Names

#: Rendered under the same names in capitals; every consumer knows them.
EVERY_SETTING: Mapping[str, object] = {
    "redis_host": "localhost",
    "redis_port": 6379,
    "redis_db": 0,
    "redis_username": "",
    "log_level": "INFO",
    "batch_size": 1000,
    "claim_idle_ms": 5000,
    "max_deliveries": 5,
}
#: What holds for whatever runs as a unit and reads a stream; the gate asks for all of it.
CLAIMS = ("running_what_was_deployed", "stays_up", "backlog_drains")
#: The same where it was said what the consumer's effect is, and how its entries are accounted for.
EFFECTIVE = (
    "running_what_was_deployed", "stays_up", "least_rights", "effect_flows", "backlog_drains",
)  # fmt: skip
#: What costs too much for a gate: every forbidden action is tried in every unit.
CONFINED = "confined"
#: So that a metrics port of every instance is a port.
INSTANCES_MOST = 64
LAST_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class StreamConsumer:
    """A role (roles.Role). `python -m consumers.<name>` is what its units run."""

    name: str
    service: str  #: the short name: of its unit, its env file and its credentials, and for --only
    description: str
    #: the variables that name its stream and its group
    READS: tuple[str, str]
    #: its own settings beside every consumer's, with what they are unless the inventory says it
    own: Mapping[str, object] = field(default_factory=dict)
    #: those of them that are at least 1
    positive: tuple[str, ...] = ()
    #: <name>_instances says how many run on a host
    several: bool = False
    #: names that the service had before: they stop before it starts under its own, and go
    formerly: tuple[str, ...] = ()
    #: the hash in which it says how it stands
    status: str = ""
    #: what it does in Redis beside what every consumer does
    beyond: Callable[[Names], tuple[Grant, ...]] = lambda _: ()
    PROOFS: tuple[str, ...] = (*CLAIMS, CONFINED)
    GATE: tuple[str, ...] = CLAIMS
    memory_max: str = "256M"
    cpu_quota: str = "100%"

    @property
    def SERVICES(self) -> tuple[str, ...]:  # noqa: N802 - the role's word
        """Return its one service; instances are one service in several units."""
        return (self.service,)

    @property
    def VARIABLES(self) -> Mapping[str, object]:  # noqa: N802
        """Return every variable that it reads, with its default."""
        return {
            **EVERY_SETTING,
            **self.own,
            **self._of_units,
            "redis_password": None,
            redis_users.VARIABLE: False,
            "canary": None,  #: whether a proof may add one event; unsaid: not where mode is live
        }

    @property
    def _of_units(self) -> Mapping[str, object]:
        """Return the variables that are this role's alone: other roles' units run beside it."""
        port: Mapping[str, object] = {
            f"{self.name}_metrics_port": 0,  #: 0: no metrics
            f"{self.name}_user": "",  #: who its units run as; empty: one that systemd makes up
        }
        if self.several:
            return {**port, f"{self.name}_instances": 1}
        return {**port, "consumer_name": ""}  #: empty: <host>-1

    @property
    def env(self) -> str:
        """Return the path of its env file."""
        return f"/etc/quantum/{self.service}.env"

    def units(self, host: Host) -> tuple[str, ...]:
        """Return the names of the units that run it on a host."""
        if not self.several:
            return (f"quantum-{self.service}.service",)
        count = self._number(host, f"{self.name}_instances", 1, INSTANCES_MOST)
        return tuple(f"quantum-{self.service}@{each}.service" for each in range(1, count + 1))

    def grants(self, host: Host) -> tuple[Grant, ...]:
        """Return what its Redis user may do, by the names that `host` has for streams."""
        names = redis_users.names_of(host, self.own)
        stream, group = (names[each] for each in self.READS)
        status = self.status or f"quantum:{self.name}:status"
        return (*redis_users.of_every_consumer(stream, group, status), *self.beyond(names))

    def resources(self, host: Host) -> Iterator[Resource]:
        """Yield what must hold on `host`, in the order it must come to hold."""
        return self.place(host, {})

    def place(
        self,
        host: Host,
        said: Mapping[str, object],
        *,
        credentials: Mapping[str, Secret] | None = None,
        internet: bool = False,
        libraries: str = "",
    ) -> Iterator[Resource]:
        """Yield release, env file, credentials and units.

        `said` settings are nobody's to change in an inventory. Credentials come beside Redis's
        password; `internet` takes the unit's own firewall away, since it takes no names;
        `libraries` names a lock with more than every consumer imports.
        """
        values = {
            "quantum_mode": host.mode,
            **settings(host, {**EVERY_SETTING, **self.own}),
            **said,
        }
        for name in ("batch_size", "claim_idle_ms", "max_deliveries", *self.positive):
            at_least(host, name, values[name], 1)
        for name, value in values.items():
            at_least(host, name, value, 0)
        self._number(host, "redis_port", 1, LAST_PORT)
        names = self.units(host)
        first_port = self._number(host, f"{self.name}_metrics_port", 0, LAST_PORT - len(names))
        if not self.several:
            given = settings(host, self._of_units)["consumer_name"]
            values |= {"consumer_name": given or f"{host.name}-1", "metrics_port": first_port}
        password = host.values.get("redis_password")
        if redis_users.wanted(host):
            values["redis_username"] = self.service
            password = redis_users.password_of(secret(host, "redis_password"), self.service)
        secrets = {"redis_password": password} if isinstance(password, Secret) else {}
        secrets |= credentials or {}
        user = str(settings(host, {f"{self.name}_user": ""})[f"{self.name}_user"])
        matches(
            host, f"{self.name}_user", user, r"(?!root$)[a-z][a-z0-9_-]{0,30}|", "a user's name"
        )

        if user:
            yield SystemUser(user)
        for old in self.formerly:
            yield Absent(old)
        yield Release(f"consumers.{self.name}", libraries)
        yield Template(
            "env/stream-consumer.env.j2",
            self.env,
            mode=0o640,
            extra={"settings": {name: _plain(value) for name, value in values.items()}},
        )
        for name, value in secrets.items():
            yield Credential(self.service, name, value)
        for instance, name in enumerate(names, start=1):
            port = first_port + instance * self.several if first_port else 0
            own = {"CONSUMER_NAME": f"{host.name}-{instance}", "METRICS_PORT": str(port)}
            yield Unit(
                name,
                template="units/stream-consumer.service.j2",
                service=self.service,
                env=self.env,
                credentials=tuple(secrets),
                extra={
                    "description": self.description + f", instance {instance}" * self.several,
                    "module": f"consumers.{self.name}",
                    "own": own if self.several else {},
                    "listens_on": port,
                    "internet": internet,
                    "user": user,
                    "addresses": tuple(filter(None, [address(host, "redis_host")])),
                    "memory_max": self.memory_max,
                    "cpu_quota": self.cpu_quota,
                },
            )

    def _number(self, host: Host, name: str, low: int, high: int) -> int:
        found = settings(host, {name: self.VARIABLES[name]})[name]
        if not isinstance(found, int) or not low <= found <= high:
            refuse(host, name, f"must be a number from {low} to {high}")
        return found


def _plain(value: object) -> object:
    """Return 5 for 5.0: so it stands in the contract, and so the consumers print it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
