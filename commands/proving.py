"""Run the claims that the hosts' roles name: each host's own, and each stream group's once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import proofs
from commands.scenes import GATE_WITHIN_S, PROOF_WITHIN_S, open_scene
from commands.showing import Display
from harness import fanout
from harness.contact import Contact, raise_together
from harness.errors import ConfigurationError
from harness.host import Host
from proofs.finding import Finding, Verdict, worst


@dataclass(frozen=True, slots=True)
class Claimed:
    """One claim's result and the host that it was gathered from."""

    where: str
    result: proofs.ClaimResult

    @property
    def finding(self) -> Finding:
        """Return what the check found."""
        return self.result.finding


def prove(
    contacts: Sequence[Contact],
    git: Mapping[str, Any],
    display: Display,
    *,
    only: str = "",
    gate: bool = False,
) -> list[Claimed]:
    """Gather and judge every claim; `gate` leaves out those that judge the past as well.

    A claim about a stream's group is checked once, from the first host that serves the group.
    """
    plan = assignments(
        {contact.host.name: contact.host for contact in contacts}, only=only, gate=gate
    )
    if only and not any(plan.values()):
        proofs.module(only)  # an unknown name is told apart from one that no role asks for
        raise ConfigurationError(
            f"no role of these hosts names the claim {only}", step="proof",
            action="invoke proof without --only",
        )  # fmt: skip

    def one(contact: Contact) -> list[Claimed]:
        names = plan[contact.host.name]
        gate_s = contact.host.number("gate_within_s", GATE_WITHIN_S)
        within_s = gate_s if gate else PROOF_WITHIN_S
        with open_scene(contact, git, deadline_s=within_s) as scene:
            said = partial(_said, display, contact.host.name)
            found = []
            for name in names:
                found += [Claimed(contact.host.name, r) for r in proofs.run([name], scene, said)]
                if gate and found[-1].finding.verdict is not Verdict.proved:
                    break  # one refusal is enough to put everything back at once
            return found

    answers = fanout.each([c for c in contacts if plan[c.host.name]], one)
    raise_together(fanout.errors(answers))
    return [claimed for found in fanout.results(answers) for claimed in found]


def assignments(
    hosts: Mapping[str, Host], *, only: str = "", gate: bool = False
) -> dict[str, list[str]]:
    """Return which claims are checked from which host. Pure."""
    import roles

    taken: set[tuple[str, ...]] = set()
    plan: dict[str, list[str]] = {}
    for name, host in hosts.items():
        plan[name] = []
        for role in roles.of(host):
            for claim in role.GATE if gate else role.PROOFS:
                if claim in plan[name] or (only and claim != only):
                    continue
                if claim in proofs.ONCE_PER_GROUP:
                    mark = (claim, *role.SERVICES, *_group_of(host))
                    if mark in taken:
                        continue
                    taken.add(mark)
                plan[name].append(claim)
    return plan


def _group_of(host: Host) -> tuple[str, ...]:
    """Return what tells one stream's group on one server from another."""
    names = sorted(key for key in host.values if key.startswith(("redis_", "stream_", "group_")))
    return tuple(f"{name}={host.text(name)}" for name in names)


def verdict(claims: Sequence[Claimed]) -> Verdict:
    """Return the worst verdict; unknown where there was no claim at all."""
    return worst(claim.finding.verdict for claim in claims)


def _said(display: Display, host: str, name: str) -> None:
    display.stage(f"{host}  proving {name}")
