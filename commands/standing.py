"""Look what stands on hosts once they have come to rest: which release, whole; writes nothing."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import roles
from commands.wanting import rendered
from fault_injection.deploys.releases import FRESH, OLD, lay_out
from harness import fanout, releases
from harness.contact import Contact, reach
from harness.deploying import Wanted, prepare
from harness.desired import needs_release
from harness.errors import QuantumError
from harness.host import Host
from harness.rendering import render
from harness.switches import confirm_within_s
from proofs import running_what_was_deployed
from proofs.attesting import attest
from proofs.finding import Verdict
from proofs.scene import Scene

#: After the time in which a host settles alone it is given so much more, in seconds.
MORE_S = 30.0
LOOK_AGAIN_S = 0.2


class Shelf:
    """The releases of a run: each a project of its own, and what a host should be by it."""

    def __init__(self, project: Path, folder: Path) -> None:
        self._project, self._folder = project, folder
        # those of a run that died and is resumed are there already
        there = {path.name: path for path in folder.iterdir() if not path.name.startswith(".")}
        self._known: dict[str, Path] = {**there, OLD: project}
        self._wanted: dict[tuple[str, str], Wanted] = {}

    def __iter__(self) -> Iterator[str]:
        """Yield the names of those that there are, the last one asked for first."""
        yield from reversed(list(self._known))

    def fresh(self) -> str:
        """Return the name of a release that no host has yet."""
        return f"{FRESH}-{secrets.token_hex(4)}"

    def folder(self, name: str) -> Path:
        """Return the project that deploys a release, which is laid out when it is first asked."""
        if name not in self._known:
            lay_out(self._project, self._folder / name, name)
        self._known[name] = self._known.pop(name, self._folder / name)
        return self._known[name]

    def wanted(self, name: str, host: Host, facts: Mapping[str, Any]) -> Wanted:
        """Return what a host should be by a release."""
        if (name, host.name) not in self._wanted:
            folder = self._known[name]
            extra = needs_release(roles.resources(host))
            made = None
            if extra is not None:
                made = releases.build(releases.target_of(facts, extra), folder)
            again = rendered(host, partial(render, templates=folder / "templates"))
            self._wanted[name, host.name] = Wanted(again(made.digest if made else ""), made, again)
        return self._wanted[name, host.name]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a host at last, and its journal: a transaction's id -> how it stands."""

    host: str
    release: str  #: "" for anything that is no release, whole
    at_rest: bool
    said: str
    journal: Mapping[str, str]


def look(hosts: Sequence[Host], shelf: Shelf, *, whole_within_s: float) -> list[Seen]:
    """Wait until each host is at rest and whole, or its time is over; left out who is not reached.

    A host on which a fault is has time until that is gone.
    """
    answers = fanout.each(hosts, lambda host: _Looking(host, shelf, whole_within_s).until_settled())
    return [seen for seen in fanout.results(answers) if seen]


class _Looking:
    """One host that is looked at again and again."""

    def __init__(self, host: Host, shelf: Shelf, whole_within_s: float) -> None:
        self._host, self._shelf, self._whole_within_s = host, shelf, whole_within_s
        self._rest_by = time.monotonic() + confirm_within_s(host) + MORE_S
        self._whole_by: float | None = None

    def until_settled(self) -> Seen | None:
        last: Seen | None = None
        while True:
            with contextlib.suppress(QuantumError):
                last = self._once()
            if last and last.release:
                return last
            by = self._whole_by if last and last.at_rest and self._whole_by else self._rest_by
            if time.monotonic() >= by:
                return last
            time.sleep(LOOK_AGAIN_S)

    def _once(self) -> Seen:
        contact = reach(self._host, lambda *_: None)
        try:
            journal = {
                str(each["id"]): str(each["state"])
                for each in contact.transactions if each["kind"] == "deploy"
            }  # fmt: skip
            why = self._restless(contact)
            if why:
                self._whole_by = None
                return Seen(self._host.name, "", at_rest=False, said=why, journal=journal)
            self._whole_by = self._whole_by or time.monotonic() + self._whole_within_s
            release, why = whole(contact, self._shelf)
            return Seen(self._host.name, release, at_rest=True, said=why, journal=journal)
        finally:
            contact.close()

    def _restless(self, contact: Contact) -> str:
        """Return why what is seen now may not last."""
        if contact.lock:
            return f"{contact.lock.get('tx') or 'somebody'} holds it"
        if contact.unfinished:
            return f"{', '.join(contact.unfinished)} is undecided"
        if faults := contact.session.faults():
            self._rest_by = time.monotonic() + confirm_within_s(self._host) + MORE_S
            return f"there is a fault on it: {', '.join(str(each['tx']) for each in faults)}"
        return ""


def whole(contact: Contact, shelf: Shelf) -> tuple[str, str]:
    """Return the release that stands there and runs, or "" and what is otherwise.

    Whole is a release by which there is nothing to do and nothing drifted, when everything that
    was deployed is hashed anew on the host, and every process was started with it.
    """
    nearest: list[str] = []
    for name in shelf:
        prepared = prepare(contact, shelf.wanted(name, contact.host, contact.facts))
        plan = prepared.plan
        lacks = [step.summary() for step in plan.steps]
        lacks += [f"{drift.path} was changed by hand" for drift in plan.drifted]
        lacks += [f"{path} is left over" for path in plan.leftovers]
        if not lacks:
            return _attested(contact, name)
        if not nearest or len(lacks) < len(nearest):
            nearest = [f"nearest to {name}", *lacks]
    return "", ", ".join(nearest)


def _attested(contact: Contact, name: str) -> tuple[str, str]:
    scene = Scene(contact.host, partial(attest, contact.session), None, {})
    finding = running_what_was_deployed.check(running_what_was_deployed.gather(scene))
    if finding.verdict is Verdict.proved:
        return name, ""
    return "", f"by {name} there is nothing to do, but {'; '.join(finding.reasons)}"
