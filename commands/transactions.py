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
from commands.showing import Display
from commands.wanting import wanted
from harness import fanout
from harness.contact import Contact, raise_together, reach
from harness.deploying import Prepared, apply, prepare
from harness.errors import DONE, FAILED, IN_DOUBT, InDoubtError, QuantumError
from proofs.finding import Verdict, worst


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deploy ended, for people, for `--json` and for the exit code."""

    state: str  #: unchanged, committed, rolled_back, in_doubt
    transaction: str = ""
    record: str = ""
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
            "record": self.record,
            "hosts": dict(self.hosts),
            "reasons": list(self.reasons),
        }


def new_id() -> str:
    """Return a transaction's id: the same on all its hosts; its order is not taken from it."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def meta(chosen: Chosen) -> dict[str, Any]:
    """Return who deploys what from where, as the host's lock and journal keep it."""
    return {
        "operator": getpass.getuser(),
        "from": socket.gethostname(),
        "inventory": chosen.inventory.name,
        "inventory_digest": chosen.inventory.digest,
    }


def prepare_all(contacts: Sequence[Contact], sources: Path, display: Display) -> list[Prepared]:
    """Observe and plan every host at once; the first error ends it with nothing changed."""
    display.stage("building the release and observing the hosts")
    # one host after another for the release: the first build serves all hosts of its kind
    answers = fanout.each(contacts, lambda c: prepare(c, wanted(c.host, c.facts, sources)))
    raise_together(fanout.errors(answers))
    return fanout.results(answers)


def unchanged(prepared: Sequence[Prepared], display: Display) -> Outcome:
    """Say that there was nothing to do."""
    display.say(f"zero changes on {len(prepared)} host{'s' * (len(prepared) != 1)}", "bold green")
    return Outcome("unchanged", hosts={each.name: "unchanged" for each in prepared})


def run(chosen: Chosen, changing: Sequence[Prepared], sources: Path, display: Display) -> Outcome:
    """Apply, gate and commit the prepared hosts, or put all of them back; record either."""
    transaction = new_id()
    started = time.time()
    answers = fanout.each(changing, lambda each: apply(each, transaction, meta(chosen)))
    failures = fanout.errors(answers)
    applied = [a.item for a in answers if a.error is None]
    claims: list[proving.Claim] = []
    states = {a.item.name: "rolled_back" if a.error else "applied" for a in answers}
    doubtful = [e for e in failures if isinstance(e, InDoubtError)]
    if not failures:
        display.stage("gate: proving the release before it is committed")
        claims = proving.prove([each.contact for each in applied], gate=True, display=display)
        display.claims(claims)
    verdict = worst(claim.finding.verdict for claim in claims) if claims else Verdict.proved
    refused = bool(failures) or verdict is not Verdict.proved
    for each, state in _finish(applied, transaction, display, commit=not refused):
        states[each.name] = state
    for error in doubtful:
        states[error.host] = "in_doubt"
    outcome = Outcome(
        state=_overall(states),
        transaction=transaction,
        hosts=states,
        reasons=tuple(str(e) for e in failures)
        + tuple(f"{c.where}: {c.name} {c.finding.verdict.name}: {'; '.join(c.finding.reasons)}"
                for c in claims if c.finding.verdict is not Verdict.proved),
    )  # fmt: skip
    record = recording.deploy(chosen, changing, claims, outcome, started, sources)
    display.outcome(outcome, record)
    return Outcome(outcome.state, transaction, record.id, states, outcome.reasons)


def _overall(states: Mapping[str, str]) -> str:
    kinds = set(states.values())
    if kinds == {"committed"}:
        return "committed"
    return "rolled_back" if kinds == {"rolled_back"} else "in_doubt"


def _finish(
    applied: Sequence[Prepared], transaction: str, display: Display, *, commit: bool
) -> list[tuple[Prepared, str]]:
    display.stage("commit" if commit else "putting every byte back")

    def one(each: Prepared) -> str:
        session = each.contact.session
        try:
            if commit:
                session.commit(transaction)
                return "committed"
            session.rollback(transaction, meta={})
        except InDoubtError:
            return ask_again(each.contact, transaction, display)
        return "rolled_back"

    answers = fanout.each(applied, one)
    return [(a.item, a.result or "in_doubt") for a in answers]


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
