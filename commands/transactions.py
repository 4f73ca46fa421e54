"""What a deploy over several hosts is made of: recover, prepare, commit or put back, and words."""

from __future__ import annotations

import getpass
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from commands.choosing import Chosen
from commands.confirming import ask_again, confirm
from commands.leaving_out import LeftOut
from commands.outcomes import LEFT_OUT, Outcome
from commands.showing import Display
from commands.wanting import wanted
from harness import fanout
from harness.contact import Contact
from harness.deploying import Prepared, overwritten, prepare, recover
from harness.errors import AgentError, InDoubtError, QuantumError, UnreachableError
from harness.ledger.records import Subject
from harness.switches import Switch

if TYPE_CHECKING:
    from commands import proving
    from harness.ledger.records import Subject


def new_id() -> str:
    """Return a transaction's id: the same on all its hosts; its order is not taken from it."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def meta(chosen: Chosen, git: Mapping[str, Any]) -> dict[str, Any]:
    """Return who deploys what from where, as the host's lock and journal keep it."""
    return {
        "operator": getpass.getuser(),
        "from": socket.gethostname(),
        "inventory": chosen.inventory.name,
        "inventory_sha256": chosen.inventory.digest,
        "git": dict(git),
    }


def recover_all(
    chosen: Chosen, contacts: Sequence[Contact], left_out: LeftOut | None = None
) -> list[Contact]:
    """Put back what an earlier deploy has left unfinished; refuses where another one goes on.

    What an earlier command announced and did not live to record is recorded as well.
    Returns the hosts that are not left out: all of them, or an error is raised, without `left_out`.
    """
    from commands import recording

    recording.settle(chosen)
    by = meta(chosen, {})
    answers = fanout.each(contacts, lambda contact: recover(contact, by))
    return (left_out or LeftOut(0, Display(quiet=True))).passed(answers)


def prepare_all(
    contacts: Sequence[Contact],
    sources: Path,
    display: Display,
    left_out: LeftOut | None = None,
    *,
    only: frozenset[str] = frozenset(),
    overwrite: bool = False,
) -> list[Prepared]:
    """Observe and plan every host at once, or `only` some services; an error changes nothing.

    With `left_out` that holds for more errors than may be; with `overwrite` drop-ins go, too.
    """
    display.stage("building the release and observing the hosts")
    answers = fanout.each(
        contacts,
        lambda c: prepare(c, wanted(c.host, c.facts, sources, only), overwrite=overwrite),
    )
    (left_out or LeftOut(0, display)).passed(answers)
    return fanout.results(answers)


def unchanged(
    prepared: Sequence[Prepared], display: Display, left_out: Mapping[str, QuantumError]
) -> Outcome:
    """Say that there was nothing to do."""
    display.say(f"zero changes on {len(prepared)} host{'s' * (len(prepared) != 1)}", "bold green")
    states = {each.name: "unchanged" for each in prepared} | dict.fromkeys(left_out, LEFT_OUT)
    return Outcome("unchanged", hosts=states, left_out=left_out)


def state_after(error: QuantumError | None) -> str:
    """Return the state of a host after its apply."""
    if error is None:
        return "applied"
    return "in_doubt" if isinstance(error, InDoubtError | UnreachableError) else "rolled_back"


def reasons(failures: Sequence[QuantumError], claims: Sequence[proving.Claimed]) -> tuple[str, ...]:
    """Return why a deploy was not committed, in words."""
    refused = (claim for claim in claims if claim.finding.verdict.name != "proved")
    return (
        *(str(error) for error in failures),
        *(
            f"{c.where}: {c.subject} {c.finding.verdict.name}: {'; '.join(c.finding.reasons)}"
            for c in refused
        ),
    )


def doubts(states: Mapping[str, str], failures: Sequence[QuantumError]) -> tuple[str, ...]:
    """Return a line for each host that was lost when it should commit or put back."""
    told = {error.host for error in failures}
    return tuple(
        f"{host}: was lost before it said how this ended; unless it was told to commit, it puts"
        " everything back by itself\n  next: when it answers again: invoke deploy, or rollback"
        for host, state in states.items()
        if state == "in_doubt" and host not in told
    )


def subjects(changing: Sequence[Prepared]) -> tuple[Subject, ...]:
    """Return every file that the deploy is about; a secret's digest could be tried against."""
    from harness.ledger.records import Subject

    return tuple(
        Subject(each.name, one.path, one.sha256)
        for each in changing
        for one in each.wanted.desired.paths
        if one.kind == "file" and not one.secret
    )


def steps(changing: Sequence[Prepared]) -> list[dict[str, str]]:
    """Return what was asked of each host, in order, for the record."""
    return [
        {"host": each.name, "name": step.summary()} for each in changing for step in each.plan.steps
    ]


def lost(changing: Sequence[Prepared]) -> list[dict[str, Any]]:
    """Return what was there by hand and is overwritten, as the host's backup names it."""
    found = []
    for each in changing:
        secret = {one.path for one in each.wanted.desired.paths if one.secret}
        for drift in overwritten(each):
            was = each.seen.paths[drift.path]
            # a secret's digest could be tried against
            kept = "" if drift.path in secret else was.get("sha256", "")
            entry = {"path": drift.path, "kind": was["kind"], "sha256": kept}
            found.append({"host": each.name, **entry})
    return found


class Applied(Protocol):
    """A host whose agent holds an applied transaction."""

    @property
    def contact(self) -> Contact:
        """Return how to reach it."""

    @property
    def name(self) -> str:
        """Return the host's name."""


def finish(
    applied: Sequence[Applied],
    transaction: str,
    switch: Switch,
    display: Display,
    *,
    commit: bool,
) -> dict[str, str]:
    """Confirm every applied host, or put every one back; return the state of each.

    A commit goes over a connection of its own, which shows that the host can still be reached.
    """
    display.stage("commit" if commit else "putting every byte back")

    def one(each: Applied) -> str:
        if commit:
            return confirm(each.contact, transaction, switch, display)
        try:
            each.contact.session.rollback(transaction)
        except (InDoubtError, UnreachableError):
            return ask_again(each.contact, transaction, display)
        return "rolled_back"

    answers = fanout.each(applied, one)
    for answer in answers:
        if answer.error:
            display.say(str(answer.error), "red")
    return {answer.item.name: answer.result or "in_doubt" for answer in answers}


def late(states: Mapping[str, str]) -> list[QuantumError]:
    """Return an error for each host that was told to commit and had gone back by itself."""
    cause = "its time to be confirmed was over, and it has put everything back by itself"
    action = "deploy again; confirm_within_s in the inventory gives it more time"
    return [
        AgentError(cause, host=host, step="confirm", action=action)
        for host, state in states.items()
        if state == "rolled_back"
    ]
