"""What one record says: an in-toto Statement v1 about deployed bytes, inside a DSSE envelope."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

#: What pyproject.toml says too; a test holds them together.
VERSION = "0.1.0"

#: operation: services or intents handled by a person; trading: switched on or off.
#: backup: a snapshot was taken; restore: one was put back.
Kind = Literal["deploy", "proof", "rollback", "fault", "operation", "trading", "backup", "restore"]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:quantum-ops:record:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim about one host, with the verdict that its check gave on the evidence."""

    host: str
    name: str
    text: str
    check_sha256: str  #: digest of the check's code
    verdict: str  #: proved, refuted or unknown
    reasons: tuple[str, ...]
    evidence: str  #: its name in `Record.evidence`
    numbers: Mapping[str, object] = field(default_factory=dict)
    service: str = ""  #: which service of the host it is about; empty: the host itself


@dataclass(frozen=True, slots=True)
class Subject:
    """A deployed file, as it was re-hashed on the host."""

    host: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """One deploy, proof, rollback or fault run, ready to be written down.

    `predicate` takes what PROOFS asks for beyond the fields here: inventory_sha256, git,
    facts (per host), steps (name, host, took_ms, outcome), started_at and ended_at (ISO, UTC).
    `outcome` is one word: committed, rolled_back, proved, refuted, unknown, in_doubt ...
    """

    kind: Kind
    inventory: str
    mode: str
    operator: str
    hosts: tuple[str, ...]
    outcome: str
    subjects: Sequence[Subject] = ()
    predicate: Mapping[str, Any] = field(default_factory=dict)
    claims: Sequence[Claim] = ()
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    id: str = ""  #: a name that is already used elsewhere, e.g. on the hosts; empty: a new one


def canonical(document: object) -> bytes:
    """Return the one spelling of a JSON document that digests are taken of."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def sha256(data: bytes) -> str:
    """Return the digest in hex."""
    return hashlib.sha256(data).hexdigest()


def statement(record: Record, *, identity: str, at: str, evidence: Mapping[str, str]) -> bytes:
    """Return the Statement as canonical JSON; `evidence` gives the digest for each name.

    Pure: identity and time are passed in. Subjects are sorted, so equal records are equal bytes;
    those without a SHA-256 are left out: a secret's digest is never written down.
    """
    predicate = {
        **record.predicate,
        "id": identity,
        "kind": record.kind,
        "at": at,
        "tool": {"name": "quantum-ops", "version": VERSION},
        "operator": record.operator,
        "inventory": record.inventory,
        "mode": record.mode,
        "hosts": list(record.hosts),
        "outcome": record.outcome,
        "claims": [_claim(claim, evidence) for claim in record.claims],
        "evidence": dict(evidence),
    }
    subjects = sorted(
        {(f"{s.host}:{s.path}", s.sha256) for s in record.subjects if SHA256.fullmatch(s.sha256)}
    )
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )


def _claim(claim: Claim, evidence: Mapping[str, str]) -> dict[str, object]:
    return {
        "id": claim.name,
        "host": claim.host,
        "service": claim.service,
        "text": claim.text,
        "check_sha256": claim.check_sha256,
        "verdict": claim.verdict,
        "reasons": list(claim.reasons),
        "numbers": dict(claim.numbers),
        "evidence_sha256": evidence[claim.evidence],
    }


def envelope(payload: bytes) -> bytes:
    """Return the DSSE envelope around a statement; signatures are added when there is a signer."""
    return canonical(
        {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [],
        }
    )


def opened(envelope_bytes: bytes) -> dict[str, Any]:
    """Return the statement inside an envelope; raises ValueError when it is not one of ours."""
    outer = json.loads(envelope_bytes)
    if not isinstance(outer, dict) or outer.get("payloadType") != PAYLOAD_TYPE:
        raise ValueError("not a DSSE envelope of an in-toto statement")
    inner = json.loads(base64.b64decode(str(outer.get("payload")), validate=True))
    if not isinstance(inner, dict) or inner.get("_type") != STATEMENT_TYPE:
        raise ValueError("not an in-toto Statement v1")
    return inner
