"""Run the claims that the hosts' roles name: each host's own, and each stream group's once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import proofs
import roles
from commands.scenes import PROOF_WITHIN_S, flow_of, open_scene
from commands.showing import Display
from harness import fanout
from harness.contact import Contact, raise_together
from harness.desired import Desired
from harness.errors import ConfigurationError
from harness.host import Host
from harness.switches import GATE_WITHIN_S
from proofs.finding import Finding, Verdict, worst
from proofs.scene import Flow


@dataclass(frozen=True, slots=True)
class Claimed:
    """One claim's result, the host that it was gathered from, and the service it is about."""

    where: str
    result: proofs.ClaimResult
    service: str = ""  #: empty: about the host

    @property
    def finding(self) -> Finding:
        """Return what the check found."""
        return self.result.finding

    @property
    def subject(self) -> str:
        """Return what the claim is about, for people."""
        return f"{self.result.name} of {self.service}" if self.service else self.result.name


#: What is about a host and no stream of it.
NO_FLOW = Flow()


@dataclass(frozen=True, slots=True)
class Task:
    """One claim to check, on a service's place where it is about one."""

    claim: str
    flow: Flow = NO_FLOW


def prove(
    contacts: Sequence[Contact],
    git: Mapping[str, Any],
    display: Display,
    *,
    only: str = "",
    gate: bool = False,
    parts: Mapping[str, Desired] | None = None,
) -> list[Claimed]:
    """Gather and judge every claim; `gate` leaves out those that judge the past as well.

    `parts` says of what part of each host it is asked; nothing else of the host is judged then.

    A claim about a stream's group is checked once, from the first host that serves the group. What
    is about one host, and each service's claims, are looked at side by side.
    """
    plan = assignments(
        {contact.host.name: contact.host for contact in contacts}, only=only, gate=gate,
        services={name: {each.service for each in part.units} for name, part in parts.items()}
        if parts else None,
    )  # fmt: skip
    if only and not any(plan.values()):
        proofs.module(only)  # an unknown name is told apart from one that no role asks for
        raise ConfigurationError(
            f"no role of these hosts names the claim {only}", step="proof",
            action="invoke proof without --only",
        )  # fmt: skip

    def one(lane: tuple[Contact, list[Task]]) -> list[Claimed]:
        contact, tasks = lane
        gate_s = contact.host.number("gate_within_s", GATE_WITHIN_S)
        within_s = gate_s if gate else PROOF_WITHIN_S
        flow = tasks[0].flow
        part = parts[contact.host.name] if parts else None
        about = {one.path for one in part.paths} if part else None
        with open_scene(contact, flow, git, deadline_s=within_s, about=about) as scene:
            said = partial(_said, display, contact.host.name, flow.service)
            found = []
            for task in tasks:
                results = proofs.run([task.claim], scene, said)
                found += [Claimed(contact.host.name, each, flow.service) for each in results]
                if gate and found[-1].finding.verdict is not Verdict.proved:
                    break  # one refusal is enough to put everything back at once
            return found

    answers = fanout.each(
        [(contact, lane) for contact in contacts for lane in lanes(plan[contact.host.name])], one
    )
    raise_together(fanout.errors(answers))
    return [claimed for found in fanout.results(answers) for claimed in found]


def assignments(
    hosts: Mapping[str, Host],
    *,
    only: str = "",
    gate: bool = False,
    services: Mapping[str, Collection[str]] | None = None,
) -> dict[str, list[Task]]:
    """Return which claims are checked from which host, of `services` alone if given. Pure."""
    taken: set[tuple[str, ...]] = set()
    plan: dict[str, list[Task]] = {}
    for name, host in hosts.items():
        plan[name] = []
        for role in roles.of(host):
            if services is not None and not set(role.SERVICES).intersection(services[name]):
                continue
            for claim in role.GATE if gate else role.PROOFS:
                if host.sandbox and claim in proofs.ON_REAL_HOSTS and claim != only:
                    continue
                where = proofs.ONLY_WHERE.get(claim)
                if where and host.values.get(where) is not True:
                    continue
                task = Task(claim)
                if claim in proofs.ONCE_PER_GROUP:
                    task = Task(claim, flow_of(role, host))
                    mark = (claim, *_server_of(host), *_words(task.flow))
                    if mark in taken:
                        continue
                    taken.add(mark)
                if task not in plan[name] and only in {"", claim}:
                    plan[name].append(task)
    return plan


def lanes(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the tasks in lists of one flow each, in order."""
    found: dict[Flow, list[Task]] = {}
    for task in tasks:
        found.setdefault(task.flow, []).append(task)
    return list(found.values())


def _words(flow: Flow) -> tuple[str, ...]:
    return flow.service, flow.stream, flow.group


def _server_of(host: Host) -> tuple[str, ...]:
    """Return what tells one server from another."""
    return tuple(host.text(name) for name in ("redis_host", "redis_port", "redis_db"))


def verdict(claims: Sequence[Claimed]) -> Verdict:
    """Return the worst verdict; unknown where there was no claim at all."""
    return worst(claim.finding.verdict for claim in claims)


def _said(display: Display, host: str, service: str, name: str) -> None:
    display.stage(f"{host}  proving {name}{f' of {service}' if service else ''}")
