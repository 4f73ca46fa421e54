"""Tell whether a ledger still says what was written, and whether its verdicts follow from it.

Pure: it is given bytes, and the checks as callables. Signatures will join the classes below.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from harness.ledger.checks import Check
from harness.ledger.ledger import EVIDENCE, GENESIS, STATEMENT, Entry, line_hash, read_line
from harness.ledger.records import opened, sha256


class Weight(IntEnum):
    """How much a problem says; the number is the exit code that it asks for."""

    note = 0  #: nothing is wrong
    broken = 1  #: the record is not what was written
    doubt = 2  #: a crash explains it as well as a hand does


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was written; `id` is the record's, empty for the chain."""

    kind: str
    id: str
    text: str
    weight: Weight = Weight.broken


def exit_code(problems: list[Problem]) -> int:
    """Return 1 when anything is broken, else 2 when anything is in doubt, else 0."""
    weights = {problem.weight for problem in problems}
    return min(weights - {Weight.note}, default=Weight.note).value


def chain(data: bytes, folders: frozenset[str]) -> tuple[list[Entry], list[Problem]]:
    """Check the lines of a ledger against each other and against the record folders there are."""
    *lines, rest = data.split(b"\n")
    entries: list[Entry] = []
    problems: list[Problem] = []
    previous, seen = GENESIS, set[str]()
    for number, line in enumerate(lines, start=1):
        try:
            entry = read_line(line)
            hashed = line_hash(json.loads(line))
        except ValueError:
            problems.append(Problem("line_unreadable", "", f"line {number} is not an entry"))
            previous = ""
            continue
        entries.append(entry)
        name = f"line {number} ({entry.id})"
        if hashed != entry.hash:
            problems.append(Problem("line_changed", entry.id, f"{name} was changed"))
        if entry.previous != previous or entry.sequence != number:
            text = f"{name} does not follow the line before it: one was dropped, moved or changed"
            problems.append(Problem("chain_broken", entry.id, text))
        if entry.id in seen:
            problems.append(Problem("replayed", entry.id, f"{name} stands there twice"))
        seen.add(entry.id)
        previous = entry.hash
    if rest:
        text = "the last line is torn: a crash while it was written, or a cut; the next append"
        problems.append(Problem("torn_line", "", f"{text} takes it off", Weight.doubt))
    for folder in sorted(folders - seen):
        text = "there is a record but no line: a crash before it was written, or a line taken out"
        problems.append(Problem("orphan", folder, text, Weight.doubt))
    return entries, problems


def record(
    entry: Entry, files: Mapping[str, bytes], checks: Mapping[str, Check]
) -> Iterator[Problem]:
    """Check one record: `files` holds what is there, by name relative to its folder."""
    for name, digest in entry.files.items():
        if name not in files:
            yield Problem("file_missing", entry.id, f"{name} is missing")
        elif sha256(files[name]) != digest:
            yield Problem("file_changed", entry.id, f"{name} was changed")
    said: Mapping[str, Any] = {}
    try:
        said = opened(files[STATEMENT])["predicate"] if STATEMENT in files else {}
        agrees = not said or (said["id"], said["outcome"]) == (entry.id, entry.outcome)
        claims = list(said.get("claims", ()))
        digests = set(dict(said.get("evidence", {})).values())
        digests |= {claim["evidence_sha256"] for claim in claims}
    except (ValueError, KeyError, TypeError, AttributeError):
        yield Problem("statement_unreadable", entry.id, f"{STATEMENT} does not hold a statement")
        return
    if not agrees:
        yield Problem("line_differs", entry.id, "the line and the statement do not say the same")
    yield from _evidence(entry, files, digests)
    for claim in claims:
        blob = files.get(f"{EVIDENCE}/{claim['evidence_sha256']}")
        if blob is not None and sha256(blob) == claim["evidence_sha256"]:
            yield from _again(entry, claim, blob, checks)


def _evidence(entry: Entry, files: Mapping[str, bytes], digests: set[str]) -> Iterator[Problem]:
    for digest in sorted(digests):
        blob = files.get(f"{EVIDENCE}/{digest}")
        if blob is None:
            yield Problem("evidence_missing", entry.id, f"evidence {digest[:12]} is missing")
        elif sha256(blob) != digest:
            yield Problem("evidence_changed", entry.id, f"evidence {digest[:12]} was changed")
    known = {*entry.files, *(f"{EVIDENCE}/{digest}" for digest in digests)}
    for name in sorted(set(files) - known):
        yield Problem("file_added", entry.id, f"{name} is not part of the record")


def _again(
    entry: Entry, claim: Mapping[str, Any], blob: bytes, checks: Mapping[str, Check]
) -> Iterator[Problem]:
    """Run a claim's check again on its evidence."""
    where = f"{claim['id']} on {claim['host']}"
    check = checks.get(claim["id"])
    if check is None:
        text = f"{where}: there is no such check any more, so it could not be run again"
        yield Problem("check_missing", entry.id, text, Weight.doubt)
        return
    verdict = check.judge(json.loads(blob)).verdict.name
    same, changed = verdict == claim["verdict"], check.sha256 != claim["check_sha256"]
    if changed and same:
        text = f"{where}: the check's code has changed since; it still says {verdict}"
        yield Problem("check_changed", entry.id, text, Weight.note)
    elif changed:
        text = f"{where}: recorded {claim['verdict']}, but today's other code says {verdict}"
        yield Problem("check_changed", entry.id, text, Weight.doubt)
    elif not same:
        text = f"{where}: recorded {claim['verdict']}, but its evidence says {verdict}"
        yield Problem("verdict_differs", entry.id, text)
