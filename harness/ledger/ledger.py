"""Keep one record per deploy, proof and rollback, chained by hash, whatever dies on the way.

A record's directory is written and fsynced under a dot name and renamed; then one line goes to
`ledger.jsonl`, fsynced. So a line always has its directory. A crash in between leaves a directory
without a line (an orphan, reported by verifying) or a torn last line (taken off by the next
append): no earlier entry can be harmed. What a dead command had announced (announcing.py) is
recorded as in doubt first.
"""

from __future__ import annotations

import json
import os
import secrets as randomness
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import LedgerError
from harness.ledger import announcing
from harness.ledger.durable import sync_folder, write_through
from harness.ledger.locking import locked
from harness.ledger.records import Record, canonical, envelope, opened, sha256, statement
from harness.ledger.redacting import holds_secret, redact
from harness.masking import Secret

LINES = "ledger.jsonl"
STATEMENT, REPORT, JUNIT, EVIDENCE = "statement.json", "report.html", "junit.xml", "evidence"
#: What the first line names as its predecessor.
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    sequence: int
    id: str
    kind: str
    at: str  #: UTC, ISO
    outcome: str
    inventory: str
    hosts: tuple[str, ...]
    files: Mapping[str, str]  #: sha256 of statement.json, report.html and junit.xml
    previous: str
    hash: str

    @property
    def statement_sha256(self) -> str:
        """Return the digest that ties the line to its statement, and so to all its evidence."""
        return self.files[STATEMENT]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A record as it lies on the disk: its line, its statement, its evidence by digest."""

    entry: Entry
    statement: Mapping[str, Any]
    evidence: Mapping[str, bytes]


class Ledger:
    """The records of one inventory; `secrets` are the values that must never be written down."""

    def __init__(
        self,
        root: Path,
        *,
        secrets: Iterable[Secret] = (),
        now: Callable[[], float] = time.time,
        token: Callable[[], str] = lambda: randomness.token_hex(3),
    ) -> None:
        self.root = root
        self._secrets = tuple(secrets)
        self._now = now
        self._token = token

    def append(self, record: Record) -> Entry:
        """Write `record` down for good and return its line; raises LedgerError, never halfway."""
        self.settle()
        return self._append(record)

    def announce(self, record: Record) -> announcing.Announcement:
        """Say that hosts are about to be told; `record` is what stands if nobody says more.

        It gets an id, under which the record must then be written. Raises LedgerError.
        """
        identity = record.id or self._new_id(record.kind, self._at())
        return announcing.Announcement(self.root, replace(record, id=identity))

    def settle(self) -> list[Entry]:
        """Record what dead commands have announced, and nobody has recorded; raises LedgerError."""
        settled = []
        for path in sorted(self.root.glob(f"{announcing.PREFIX}*")):
            with announcing.abandoned(path) as record:
                if record is not None and record.id not in {each.id for each in self.entries()}:
                    # a folder without a line is one that was being written as its writer died
                    orphan = (self.root / record.id).exists()
                    identity = f"{record.id}-in_doubt" if orphan else record.id
                    settled.append(self._append(replace(record, id=identity)))
        return settled

    def _append(self, record: Record) -> Entry:
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self.root / ".lock"):
                previous = self._recover()
                at = self._at()
                identity = record.id or self._new_id(record.kind, at)
                self._must_be_new(identity)
                files = self._files(record, identity, at.isoformat(timespec="milliseconds"))
                self._place(identity, files)
                return self._add_line(record, identity, at, files, previous)
        except OSError as error:
            raise LedgerError(
                f"the record could not be written below {self.root}: {error.strerror or error}",
                step="record",
                action="make room or mend the permissions, then run the command again",
            ) from error

    def _at(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)

    def _new_id(self, kind: str, at: datetime) -> str:
        return f"{at:%Y%m%dT%H%M%SZ}-{kind}-{self._token()}"

    def entries(self) -> tuple[Entry, ...]:
        """Return every line in order; a torn last line is left out.

        Raises LedgerError when a line cannot be read.
        """
        path = self.root / LINES
        try:
            lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
            return tuple(read_line(line) for line in lines)
        except (OSError, ValueError) as error:
            raise LedgerError(
                f"{path} cannot be read: {error}", step="ledger", action="invoke ledger.verify"
            ) from error

    def statement(self, entry: Entry) -> Mapping[str, Any]:
        """Return what one record says, without its evidence; raises LedgerError."""
        path = self.root / entry.id / STATEMENT
        try:
            return opened(path.read_bytes())
        except (OSError, ValueError) as error:
            raise LedgerError(
                f"record {entry.id} cannot be read: {error}", step="ledger",
                action="invoke ledger.verify",
            ) from error  # fmt: skip

    def load(self, identity: str) -> Loaded:
        """Return one record by its id or an unambiguous part of it; raises LedgerError."""
        found = [entry for entry in self.entries() if identity in entry.id]
        found = [entry for entry in found if entry.id == identity] or found
        if len(found) != 1:
            what = "no record has" if not found else f"{len(found)} records have"
            raise LedgerError(
                f"{what} {identity!r} in the id", step="ledger", action="invoke history"
            )
        folder = self.root / found[0].id
        try:
            said = self.statement(found[0])
            blobs = {path.name: path.read_bytes() for path in (folder / EVIDENCE).iterdir()}
        except (OSError, ValueError) as error:
            raise LedgerError(
                f"record {found[0].id} cannot be read: {error}",
                step="ledger",
                action="invoke ledger.verify",
            ) from error
        return Loaded(found[0], said, blobs)

    def _recover(self) -> str:
        """Take off what a crash left, and return the hash to chain on. Needs the lock."""
        for left in self.root.glob(".new-*"):
            shutil.rmtree(left)
        path = self.root / LINES
        if not path.exists():
            return GENESIS
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            with path.open("r+b") as file:
                file.truncate(len(whole))
                os.fsync(file.fileno())
        entries = self.entries()
        return entries[-1].hash if entries else GENESIS

    def _must_be_new(self, identity: str) -> None:
        plain = identity.replace("-", "").replace("_", "").replace(".", "")
        if not plain.isalnum() or identity.startswith("."):
            raise LedgerError(f"{identity!r} cannot name a record", step="record")
        if (self.root / identity).exists():
            raise LedgerError(f"there is a record {identity} already", step="record")

    def _files(self, record: Record, identity: str, at: str) -> dict[str, bytes]:
        """Return every file of the record by relative name, without any known secret."""
        from jinja2 import UndefinedError

        from harness.ledger import junit, report

        key = randomness.token_bytes(32)

        def clean(data: bytes) -> bytes:
            return redact(data, self._secrets, key)

        evidence = {name: clean(data) for name, data in record.evidence.items()}
        digests = {name: sha256(data) for name, data in evidence.items()}
        said = clean(statement(record, identity=identity, at=at, evidence=digests))
        blobs = {digests[name]: data for name, data in evidence.items()}
        try:
            document = json.loads(said)
            plain = {REPORT: report.render(document, blobs)}
            if record.kind == "proof":
                plain[JUNIT] = junit.render(document)
        except (KeyError, ValueError, UndefinedError) as error:
            raise LedgerError(
                "a secret's value is also a word of the record itself, which redaction took out",
                step="record",
                action="choose a secret that is not an ordinary word",
            ) from error
        plain |= {f"{EVIDENCE}/{digest}": data for digest, data in blobs.items()}
        leaks = [name for name, data in plain.items() if holds_secret(data, self._secrets)]
        leaks += [STATEMENT] if holds_secret(said, self._secrets) else []
        if leaks:
            raise LedgerError(
                f"a known secret is still in {', '.join(leaks)}; nothing was written",
                step="record",
                action="report this as a bug: redaction does not know a form of the secret",
            )
        return {STATEMENT: envelope(said), **plain}

    def _place(self, identity: str, files: Mapping[str, bytes]) -> None:
        fresh = self.root / f".new-{identity}"
        fresh.mkdir(mode=0o700)
        (fresh / EVIDENCE).mkdir(mode=0o700)
        for name, data in files.items():
            write_through(fresh / name, data, os.O_CREAT | os.O_EXCL)
        sync_folder(fresh / EVIDENCE)
        sync_folder(fresh)
        fresh.rename(self.root / identity)
        sync_folder(self.root)

    def _add_line(
        self, record: Record, identity: str, at: datetime, files: Mapping[str, bytes], previous: str
    ) -> Entry:
        line: dict[str, Any] = {
            "sequence": len(self.entries()) + 1,
            "id": identity,
            "kind": record.kind,
            "at": at.isoformat(timespec="milliseconds"),
            "outcome": record.outcome,
            "inventory": record.inventory,
            "hosts": list(record.hosts),
            "files": {n: sha256(d) for n, d in files.items() if not n.startswith(EVIDENCE)},
            "previous": previous,
        }
        line["hash"] = line_hash(line)
        path = self.root / LINES
        write_through(path, canonical(line) + b"\n", os.O_CREAT | os.O_APPEND)
        sync_folder(self.root)
        return read_line(canonical(line))


def line_hash(line: Mapping[str, Any]) -> str:
    """Return the hash of a line: of everything in it but the hash itself."""
    return sha256(canonical({name: value for name, value in line.items() if name != "hash"}))


def read_line(line: bytes) -> Entry:
    """Return a line as an entry; raises ValueError when it is not one."""
    try:
        fields = json.loads(line)
        files = {str(name): str(digest) for name, digest in dict(fields["files"]).items()}
        return Entry(**{**fields, "hosts": tuple(fields["hosts"]), "files": files})
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a ledger line: {error}") from error
