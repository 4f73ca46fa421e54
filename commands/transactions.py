"""One deploy over several hosts: apply everywhere, gate everywhere, then commit or put back."""

from __future__ import annotations

import getpass
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commands import proving, recording
from commands.choosing import Chosen
from commands.showing import Display, plan_document
from commands.wanting import wanted
from harness import fanout
from harness.contact import Contact, raise_together, reach
from harness.deploying import Prepared, apply, overwritten, prepare, recover
from harness.errors import (
    DONE,
    FAILED,
    IN_DOUBT,
    InDoubtError,
    QuantumError,
    UnreachableError,
)
from harness.ledger.records import Subject
from proofs.finding import Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deploy ended, for people, for `--json` and for the exit code."""

    state: str  #: unchanged, committed, rolled_back, in_doubt
    transaction: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)  #: host -> its own state
    reasons: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when the hosts are what was asked for, 2 in doubt, 1 otherwise."""
        return {"unchanged": DONE, "committed": DONE, "in_doubt": IN_DOUBT}.get(self.state, FAILED)

    def document(self) -> dict[str, Any]:
        """Return the outcome for `--json`."""
        return {
            "state": self.state,
            "transaction": self.transaction,
            "hosts": dict(self.hosts),
            "reasons": list(self.reasons),
        }


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


def recover_all(chosen: Chosen, contacts: Sequence[Contact]) -> None:
    """Put back what an earlier deploy has left unfinished; refuses where another one goes on."""
    by = meta(chosen, {})
    raise_together(fanout.errors(fanout.each(contacts, lambda contact: recover(contact, by))))


def prepare_all(contacts: Sequence[Contact], sources: Path, display: Display) -> list[Prepared]:
    """Observe and plan every host at once; the first error ends it with nothing changed."""
    display.stage("building the release and observing the hosts")
    answers = fanout.each(contacts, lambda c: prepare(c, wanted(c.host, c.facts, sources)))
    raise_together(fanout.errors(answers))
    return fanout.results(answers)


def unchanged(prepared: Sequence[Prepared], display: Display) -> Outcome:
    """Say that there was nothing to do."""
    display.say(f"zero changes on {len(prepared)} host{'s' * (len(prepared) != 1)}", "bold green")
    return Outcome("unchanged", hosts={each.name: "unchanged" for each in prepared})


def run(chosen: Chosen, changing: Sequence[Prepared], sources: Path, display: Display) -> Outcome:
    """Apply, gate and commit the prepared hosts, or put all of them back; record either."""
    transaction, started = new_id(), time.time()
    git = recording.git_state(sources)
    answers = fanout.each(changing, lambda each: apply(each, transaction, meta(chosen, git)))
    failures = fanout.errors(answers)
    applied = [answer.item for answer in answers if answer.error is None]
    states = {answer.item.name: _state_after(answer.error) for answer in answers}
    claims: list[proving.Claimed] = []
    if not failures:
        display.stage("gate: proving the release before it is committed")
        contacts = [each.contact for each in applied]
        try:
            claims = proving.prove(contacts, git, display, gate=True)
        except QuantumError as error:  # a host that is lost now is no reason to leave the others
            failures = [error]
        display.claims(claims)
    passed = not failures and all(c.finding.verdict is Verdict.proved for c in claims)
    states |= finish(applied, transaction, display, commit=passed)
    reasons = _reasons(failures, claims) + _doubts(states, failures)
    outcome = Outcome(_overall(states), transaction, states, reasons)
    display.outcome(outcome)
    entry = recording.write(
        chosen, "deploy", outcome.state, [each.contact for each in changing],
        started=started, ended=time.time(), claims=claims, subjects=subjects(changing), git=git,
        identity=transaction,
        details={"steps": steps(changing), "states": states, "overwritten": lost(changing)},
        evidence={f"{each.name}/plan": plan_document([each]) for each in changing},
    )  # fmt: skip
    display.record(chosen.inventory.records / entry.id)
    return outcome


def _state_after(error: QuantumError | None) -> str:
    if error is None:
        return "applied"
    return "in_doubt" if isinstance(error, InDoubtError | UnreachableError) else "rolled_back"


def _reasons(
    failures: Sequence[QuantumError], claims: Sequence[proving.Claimed]
) -> tuple[str, ...]:
    refused = (claim for claim in claims if claim.finding.verdict is not Verdict.proved)
    return (
        *(str(error) for error in failures),
        *(
            f"{c.where}: {c.subject} {c.finding.verdict.name}: {'; '.join(c.finding.reasons)}"
            for c in refused
        ),
    )


def _doubts(states: Mapping[str, str], failures: Sequence[QuantumError]) -> tuple[str, ...]:
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


def _overall(states: Mapping[str, str]) -> str:
    kinds = set(states.values())
    if kinds == {"committed"}:
        return "committed"
    return "rolled_back" if kinds == {"rolled_back"} else "in_doubt"


def finish(
    applied: Sequence[Prepared], transaction: str, display: Display, *, commit: bool
) -> dict[str, str]:
    """Commit every applied host, or put every one back; return the state of each."""
    display.stage("commit" if commit else "putting every byte back")

    def one(each: Prepared) -> str:
        session = each.contact.session
        try:
            if commit:
                session.commit(transaction)
                return "committed"
            session.rollback(transaction)
        except (InDoubtError, UnreachableError):
            return ask_again(each.contact, transaction, display)
        return "rolled_back"

    answers = fanout.each(applied, one)
    for answer in answers:
        if answer.error:
            display.say(str(answer.error), "red")
    return {answer.item.name: answer.result or "in_doubt" for answer in answers}


def ask_again(contact: Contact, transaction: str, display: Display) -> str:
    """Settle a lost reply by asking the host itself over a new connection."""
    try:
        again = reach(contact.host, display)
    except QuantumError:
        return "in_doubt"
    try:
        states = {each["id"]: each["state"] for each in again.transactions}
        return str(states.get(transaction, "in_doubt"))
    finally:
        again.close()
