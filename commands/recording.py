"""Write the one record that a deploy, a proof, a rollback or a backup leaves in the ledger."""

from __future__ import annotations

import getpass
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from commands.choosing import Chosen
from commands.proving import Claimed
from commands.wanting import PROJECT
from harness.contact import Contact
from harness.ledger.announcing import Announcement
from harness.ledger.ledger import Entry, Ledger
from harness.ledger.records import Claim, Kind, Record, Subject
from harness.masking import Secret

IN_DOUBT = "in_doubt"
DIED = (
    "the command that did this died before it could say how it ended; each host's own journal says"
    " what it has kept: invoke plan"
)
#: git answers at once or something is wrong with the checkout.
GIT_WITHIN_S = 10


def git_state(sources: Path = PROJECT) -> dict[str, Any]:
    """Return the commit and whether the tree is dirty; commit None where git cannot tell."""

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(sources), *words],
                capture_output=True, text=True, check=False, timeout=GIT_WITHIN_S,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit, changes = ask("rev-parse", "HEAD"), ask("status", "--porcelain")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def write(
    chosen: Chosen,
    kind: Kind,
    outcome: str,
    contacts: Sequence[Contact],
    *,
    started: float,
    ended: float,
    claims: Sequence[Claimed] = (),
    subjects: Sequence[Subject] = (),
    details: Mapping[str, Any] | None = None,
    evidence: Mapping[str, object] | None = None,
    git: Mapping[str, Any] | None = None,
    identity: str = "",
) -> Entry:
    """Append one record and return its ledger line; raises LedgerError, never halfway."""
    blobs = {name: _bytes(value) for name, value in (evidence or {}).items()}
    blobs |= {f"{claim.where}/{claim.subject}": claim.result.evidence for claim in claims}
    record = replace(
        _about(chosen, kind, outcome, contacts, started, git or {}, identity),
        subjects=subjects,
        claims=[
            Claim(
                host=claim.where,
                name=claim.result.name,
                text=claim.result.text,
                check_sha256=claim.result.check_sha256,
                verdict=claim.finding.verdict.name,
                reasons=claim.finding.reasons,
                evidence=f"{claim.where}/{claim.subject}",
                numbers=claim.finding.numbers,
                service=claim.service,
            )
            for claim in claims
        ],
        evidence=blobs,
    )
    predicate = {**record.predicate, "ended_at": _iso(ended), **(details or {})}
    return _ledger(chosen).append(replace(record, predicate=predicate))


def announce(
    chosen: Chosen,
    kind: Kind,
    contacts: Sequence[Contact],
    *,
    started: float,
    git: Mapping[str, Any],
    identity: str = "",
) -> Announcement:
    """Say that these hosts are about to be told to keep a change, or to put one back.

    If this laptop dies before the record is written, the ledger says that each of them is in doubt.
    Raises LedgerError; then none of them may be told.
    """
    record = _about(chosen, kind, IN_DOUBT, contacts, started, git, identity)
    states = dict.fromkeys(record.hosts, IN_DOUBT)
    predicate = {**record.predicate, "states": states, "reasons": [DIED]}
    return _ledger(chosen).announce(replace(record, predicate=predicate))


def settle(chosen: Chosen) -> None:
    """Record what commands that died here have announced; raises LedgerError."""
    _ledger(chosen).settle()


def _about(
    chosen: Chosen,
    kind: Kind,
    outcome: str,
    contacts: Sequence[Contact],
    started: float,
    git: Mapping[str, Any],
    identity: str,
) -> Record:
    return Record(
        kind=kind,
        inventory=chosen.inventory.name,
        mode=chosen.inventory.mode,
        operator=getpass.getuser(),
        hosts=tuple(contact.host.name for contact in contacts),
        outcome=outcome,
        predicate={
            "inventory_sha256": chosen.inventory.digest,
            "git": dict(git),
            "facts": {contact.host.name: dict(contact.facts) for contact in contacts},
            "started_at": _iso(started),
        },
        id=identity,
    )


def _ledger(chosen: Chosen) -> Ledger:
    return Ledger(chosen.inventory.records, secrets=secrets_of(chosen))


def subjects(claims: Sequence[Claimed]) -> tuple[Subject, ...]:
    """Return every file that some claim re-hashed on its host, from the evidence itself."""
    found = []
    for claim in claims:
        paths = json.loads(claim.result.evidence).get("paths") or {}
        found += [
            Subject(claim.where, path, state["sha256"])
            for path, state in paths.items()
            if state.get("kind") == "file"
        ]
    return tuple(found)


def secrets_of(chosen: Chosen) -> tuple[Secret, ...]:
    """Return every secret value of the chosen hosts, so that none can be written down."""
    return tuple(
        value for host in chosen.hosts for value in host.values.values()
        if isinstance(value, Secret)
    )  # fmt: skip


def _bytes(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1, default=str).encode()


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
