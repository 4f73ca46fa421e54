"""Undo committed deploys on several hosts, prove that they are undone, and record it."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import proofs
from commands import proving, recording
from commands.choosing import Chosen
from commands.showing import Display
from commands.transactions import meta
from harness import fanout
from harness.contact import Contact
from harness.errors import (
    FAILED,
    IN_DOUBT,
    ConfigurationError,
    InDoubtError,
    LedgerError,
    UnreachableError,
)
from proofs.finding import Verdict
from proofs.marking import marked

#: The claim that is about the rollback itself.
RESTORES = "rollback_restores"
#: What `--to` may name.
REACHED = frozenset({"committed", "pruned"})

Concerned = Sequence[tuple[Contact, Sequence[str]]]


def concerned(contacts: Sequence[Contact], to: str) -> list[tuple[Contact, list[str]]]:
    """Return the hosts to put back and the deploys to undo on each, newest first. Pure.

    Without `to` that is the newest deploy of all and the hosts that took part in it: another
    host's older deploy is not the last one. With `to`, every host must know that deploy.
    """
    committed = {
        contact.host.name: [each for each in contact.transactions if each["state"] == "committed"]
        for contact in contacts
    }
    # one that was pruned can be undone no more, and can still be returned to
    reached = {c.host.name: [e for e in c.transactions if e["state"] in REACHED] for c in contacts}
    if to:
        for contact in contacts:
            if to not in {each["id"] for each in reached[contact.host.name]}:
                raise ConfigurationError(
                    f"no committed deploy {to} here", host=contact.host.name, step="rollback",
                    action="invoke history, or narrow the hosts with --limit",
                )  # fmt: skip
        found = [(c, _after([each["id"] for each in reached[c.host.name]], to)) for c in contacts]
        return [(contact, ids) for contact, ids in found if ids]
    last = [(done[-1]["at_s"], done[-1]["id"]) for done in committed.values() if done]
    if not last:
        return []
    newest = max(last)[1]
    return [
        (contact, [newest])
        for contact in contacts
        if committed[contact.host.name] and committed[contact.host.name][-1]["id"] == newest
    ]


def _after(ids: Sequence[str], to: str) -> list[str]:
    return list(reversed(ids[list(ids).index(to) + 1 :]))


def run(chosen: Chosen, hosts: Concerned, to: str, display: Display) -> dict[str, Any]:
    """Undo, prove and record; returns the document that `--json` prints."""
    started, git = time.time(), recording.git_state()
    contacts = [contact for contact, _ in hosts]
    announced = None
    with contextlib.suppress(LedgerError):  # the way out stays open; what cannot be kept says so
        announced = recording.announce(chosen, "rollback", contacts, started=started, git=git)
    with announced or contextlib.nullcontext():
        states, claims = _undo(chosen, hosts, to, git, display)
        display.claims(claims)
        verdict = proving.verdict(claims)
        state = _overall(states.values(), claims)
        entry = recording.write(
            chosen, "rollback", state, contacts, started=started, ended=time.time(),
            claims=claims, git=git,
            details={
                "states": states,
                "undone": {contact.host.name: list(ids) for contact, ids in hosts},
            },
            identity=announced.id if announced else "",
        )  # fmt: skip
        if announced:
            announced.over()
    display.say(f"{state}: {', '.join(f'{h} {s}' for h, s in states.items())}", "bold")
    display.record(chosen.inventory.records / entry.id)
    exit_code = {"rolled_back": verdict.exit_code, "in_doubt": IN_DOUBT}.get(state, FAILED)
    return {"state": state, "hosts": states, "record": entry.id, "exit_code": exit_code}


def _undo(
    chosen: Chosen, hosts: Concerned, to: str, git: Mapping[str, Any], display: Display
) -> tuple[dict[str, str], list[proving.Claimed]]:
    """Return how it ended on each host, and what is claimed of it and of what runs again."""
    display.stage("putting every byte back")
    by = meta(chosen, git)

    def one(item: tuple[Contact, Sequence[str]]) -> Mapping[str, Any]:
        contact, ids = item
        if to:
            return contact.session.rollback(to=to, meta=by)
        return contact.session.rollback(ids[0], meta=by)

    answers = fanout.each(hosts, one)
    states, claims = {}, []
    for answer in answers:
        contact, _ = answer.item
        doubtful = isinstance(answer.error, InDoubtError | UnreachableError)
        states[contact.host.name] = (
            "rolled_back" if answer.error is None else "in_doubt" if doubtful else "failed"
        )
        if answer.error:
            display.say(str(answer.error), "red")
        else:
            display.undone(contact.host.name, answer.result or {})
            claims.append(restored(contact.host.name, answer.result or {}))
    claims += _prove_what_runs([a.item[0] for a in answers if not a.error], git, display)
    return states, claims


def restored(where: str, reply: Mapping[str, Any]) -> proving.Claimed:
    """Judge from the agent's own account whether every path is what it was."""
    key = secrets.token_bytes(32)
    told = {**reply, **{name: marked(reply[name], key) for name in ("before", "paths")}}
    return proving.Claimed(where, proofs.result(RESTORES, told))


def _overall(states: Iterable[str], claims: Sequence[proving.Claimed]) -> str:
    """Return how the rollback itself ended; what runs now is another question, and judged too."""
    back = [c.finding.verdict for c in claims if c.result.name == RESTORES]
    kinds = set(states)
    if kinds == {"rolled_back"}:
        return "rolled_back" if set(back) == {Verdict.proved} else "failed"
    return "in_doubt" if "in_doubt" in kinds else "failed"


def _prove_what_runs(
    contacts: Sequence[Contact], git: Mapping[str, Any], display: Display
) -> list[proving.Claimed]:
    """Prove the release that runs again; a host with no deploy left has nothing to prove."""
    left = [c for c in contacts if c.session.attest(releases=[], paths=[], units={})["manifest"]]
    return proving.prove(left, git, display, gate=True) if left else []
