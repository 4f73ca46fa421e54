"""The system that a run breaks: an inventory's hosts, reached as every command reaches them."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import roles
from commands import deploy, proving, recording, rehearsing
from commands.choosing import Chosen
from commands.deploys_amid_faults import Deploys
from commands.fault_targets import Against
from commands.scenes import open_redis
from commands.showing import Display
from commands.transactions import meta
from commands.wanting import wanted
from fault_injection.faults.fault import REDIS
from fault_injection.gathering.place import Place
from fault_injection.history.happenings import Proof
from fault_injection.runs.flows import DEPLOYS
from harness import fanout
from harness.contact import Contact, raise_together, reach, reach_all
from harness.deploying import prepare
from harness.errors import ConfigurationError, UnreachableError
from harness.host import Host
from roles import redis_users
from roles.execution import SIMULATED, TRADING
from roles.stream_consumer import EVERY_SETTING, StreamConsumer

#: What of a host is compared before and after, beside its units: what was deployed, and settings.
PATHS = ("/etc/quantum", "/opt/quantum")
UP = ("active", "activating")
#: What deploys, proofs and undoing take beside the schedule itself.
SPARE_MINUTES = 15


class HostsOf:
    """fault_injection.runs.system.System for an inventory's hosts."""

    def __init__(
        self, chosen: Chosen, display: Display, *, exchange: str = "", gathered: str = "",
        rehearses: bool = True, deploy_home: bool = False,
    ) -> None:  # fmt: skip
        """Take the plain hosts; `gathered` is where the exchange's record is read in the end.

        A run that never `rehearses`, being of deploys alone, sees no order placed. With
        `deploy_home` what stood before is what the inventory says: a dead run may have left more.
        """
        self.chosen, self._display, self._exchange = chosen, display, exchange
        self.inventory, self.mode = chosen.inventory.name, chosen.inventory.mode
        self._rehearsed = rehearsing.rehearsed(chosen, exchange)
        hosts = self._rehearsed.hosts if rehearses else chosen.hosts
        self.places = tuple(places(hosts, gathered or exchange))
        self.operator = meta(chosen, {})
        self.claimed: list[proving.Claimed] = []  #: of the last proof
        self._named = {host.name: host for host in chosen.hosts}
        self._quiet = Display(quiet=True)
        self._units = units(chosen.hosts)
        self._looking: dict[str, Contact] = {}
        self._lock = threading.Lock()
        self._standing = contextlib.ExitStack()
        self._rehearses = self._began = False
        self._deploy_home = deploy_home

    def stand(self, workload: str) -> None:
        """Deploy the rehearsal where it is needed and not there, or put it back."""
        wanted = workload != DEPLOYS
        if wanted and not self._rehearses:
            self._begin_anew()
            self._standing.enter_context(
                rehearsing.rehearsal(self.chosen, self._display, self._exchange)
            )
            self._rehearses = True
        elif not wanted:
            self.stand_as_before()

    def _begin_anew(self) -> None:
        """Empty the database of simulated exchanges: of the last one nothing is left to ask."""
        if not self._exchange or self._began:
            return
        self._began = True
        host = self._with_redis(self._rehearsed.hosts)
        contact = reach(host, self._quiet)
        # where Redis does not run yet nothing was kept
        with contextlib.suppress(UnreachableError), open_redis(contact) as client:
            client.flushdb()
        contact.close()

    def stand_as_before(self) -> None:
        """Put back what the rehearsal has changed, in this process or in one that died."""
        if self._rehearses:
            self._rehearses = False
            self._standing.close()
        else:
            rehearsing.put_back(self.chosen, self._display)
        if self._deploy_home:
            deploy.carry_out(self.chosen, self._display, yes=True)

    def deploys(self, folder: Path, write: Callable[..., None]) -> Deploys:
        """Return the workload that deploys the hosts as their inventory says."""
        return Deploys(self.chosen, folder / "releases", write)

    def expect_allowed(self, for_s: float) -> None:
        """Raise unless every host may be broken for so long; nothing was changed by then."""

        def one(host: Host) -> None:
            with self._lock:
                contact = self._contact(host.name, "look")
            left_s = contact.session.fault_allowed(mode=self.mode, inventory=self.inventory)
            if left_s < for_s:
                raise ConfigurationError(
                    f"it may be broken for {left_s / 60:.0f} more minutes, and this takes"
                    f" {for_s / 60:.0f}", host=host.name, step="guard",
                    action=f"invoke faults.allow -i {self.inventory} --minutes"
                    f" {math.ceil(for_s / 60) + SPARE_MINUTES}",
                )  # fmt: skip

        raise_together(fanout.errors(fanout.each(self.chosen.hosts, one)))

    def expect_deployed(self) -> None:
        """Raise where a deploy would change anything: deploys amid faults begin from there."""
        with reach_all(self.chosen.hosts, self._display) as contacts:
            for contact in contacts:
                steps = prepare(contact, wanted(contact.host, contact.facts)).plan.steps
                if steps:
                    raise ConfigurationError(
                        f"{len(steps)} changes are not deployed yet, and deploys amid faults begin"
                        " from what the inventory says", host=contact.host.name, step="deploys",
                        action="invoke deploy",
                    )  # fmt: skip

    def reach(self, host: str) -> Contact:
        """Return a connection of the caller's own."""
        return reach(self._named[host], self._quiet)

    def redis(self) -> Any:
        """Return a client through the host that runs Redis, or else through any."""
        host = self._with_redis(self._hosts_now())
        with self._lock:
            contact = self._contact(host.name, "redis")
        stack = contextlib.ExitStack()
        try:  # the connection is the laptop's, and the host's values say which database
            return stack.enter_context(open_redis(replace(contact, host=host)))
        except UnreachableError:
            with self._lock:  # the link itself may be what broke
                self._forget(host.name, "redis")
            raise

    def well(self) -> tuple[bool, str]:
        """Tell whether every unit runs, on every host."""
        with self._lock:
            answers = fanout.each(list(self._units), self._ill)
            for answer in answers:
                if answer.error:
                    self._forget(answer.item, "look")
        raise_together(fanout.errors(answers))
        ill = [said for answer in answers for said in answer.result or ()]
        return not ill, "; ".join(ill)

    def prove(self, claims: Sequence[str]) -> list[Proof]:
        """Check those of the claims that some role of these hosts names."""
        now = self._hosts_now()
        named = {host.name: host for host in now}
        git = recording.git_state()
        self.claimed = []
        with reach_all(now, self._quiet) as contacts:
            for claim in claims:
                if any(proving.assignments(named, only=claim).values()):
                    self.claimed += proving.prove(contacts, git, self._quiet, only=claim)
        return [
            Proof(
                claim=f"{each.subject} on {each.where}", verdict=each.finding.verdict.name,
                reasons=tuple(each.finding.reasons),
            )
            for each in self.claimed
        ]  # fmt: skip

    def _hosts_now(self) -> tuple[Host, ...]:
        """Return the hosts as they are deployed now, also by a run that died."""
        if self._rehearses or rehearsing.left(self.chosen):
            return self._rehearsed.hosts
        return self.chosen.hosts

    def fingerprints(self) -> dict[str, Any]:
        """Return all that a fault may touch, by host."""

        def one(host: Host) -> tuple[str, Mapping[str, Any]]:
            contact = reach(host, self._quiet)
            try:
                return host.name, contact.session.fingerprint(
                    paths=PATHS, units=self._units[host.name], servers=servers(self.chosen, host)
                )
            finally:
                contact.close()

        answers = fanout.each(self.chosen.hosts, one)
        raise_together(fanout.errors(answers))
        return dict(fanout.results(answers))

    def close(self) -> None:
        """Put back what is not yet, and let go of the connections that it keeps for looks."""
        self._rehearses = False
        self._standing.close()
        for contact in self._looking.values():
            with contextlib.suppress(Exception):
                contact.close()
        self._looking = {}

    @staticmethod
    def _with_redis(hosts: Sequence[Host]) -> Host:
        return next((each for each in hosts if runs_redis(each)), hosts[0])

    def _ill(self, host: str) -> list[str]:
        said = self._contact(host, "look").session.units(self._units[host])
        return [
            f"{host} {unit} is {state.get('active')}" for unit, state in said.items()
            if state.get("active") not in UP
        ]  # fmt: skip

    def _contact(self, host: str, use: str) -> Contact:
        key = f"{host} {use}"
        if key not in self._looking:
            self._looking[key] = self.reach(host)
        return self._looking[key]

    def _forget(self, host: str, use: str) -> None:
        contact = self._looking.pop(f"{host} {use}", None)
        if contact:
            threading.Thread(target=contact.close, daemon=True).start()


def places(hosts: Sequence[Host], exchange: str = "") -> list[Place]:
    """Return each service's place once, however many hosts serve it.

    `exchange` stands for the simulated one that they rehearse on, if that is no more.
    """
    found: dict[tuple[str, ...], Place] = {}
    for host in hosts:
        for role in roles.of(host):
            if not isinstance(role, StreamConsumer):
                continue
            names = redis_users.names_of(host, role.own)
            stream, group = (names[each] for each in role.READS)
            which = (role.service, stream, group)
            place = found.setdefault(which, Place(
                flow=role.service, stream=stream, group=group, names=names,
                symbols=host.values.get("enable_symbol_breakdown", True) is not False,
                trades=TRADING in host.values, exchange=exchange or host.text(SIMULATED),
                claim_idle_ms=_claim_idle_ms(host),
            ))  # fmt: skip
            # they claim from each other, and whoever waits least may take over first
            least_ms = min(place.claim_idle_ms, _claim_idle_ms(host))
            found[which] = replace(place, claim_idle_ms=least_ms)
    return list(found.values())


def _claim_idle_ms(host: Host) -> int:
    setting = "claim_idle_ms"
    said: Any = host.values.get(setting, EVERY_SETTING[setting])
    return int(said)


def units(hosts: Sequence[Host]) -> dict[str, list[str]]:
    """Return the units that must run, by host."""
    found: dict[str, list[str]] = {}
    for host in hosts:
        found[host.name] = [
            unit for role in roles.of(host)
            for unit in (
                role.units(host) if isinstance(role, StreamConsumer) else (f"{REDIS}.service",)
            )
        ]  # fmt: skip
    return found


def runs_redis(host: Host) -> bool:
    """Tell whether the host's own roles have Redis."""
    return any(REDIS in role.SERVICES for role in roles.of(host))


def servers(chosen: Chosen, host: Host) -> list[dict[str, Any]]:
    """Return the Redis whose settings are compared: where a file says how to ask for them."""
    return [
        {"host": each.redis_host, "port": each.redis_port, "password_file": each.password_file}
        for each in Against.of(chosen.inventory).targets
        if each.host == host.name and each.service == REDIS and each.password_file
    ]
