"""Read an apply.result entry of any producer as one decision, reason, time and symbol.

Pure and total: whatever the entry holds, there is an answer and never an exception, since an entry
that raises would come back for ever. The time of an entry without a usable one is its id's, never
"now", so that a redelivered entry lands in the minute it landed in before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from streams.ids import id_ms
from streams.moments import LATEST_MS, said_ms

NO_REASON = "none"
WORDS = {
    "EXECUTE": "EXECUTE", "EXECUTED": "EXECUTE", "EXEC": "EXECUTE",
    "SKIP": "SKIP", "SKIPPED": "SKIP",
    "BLOCKED": "BLOCKED", "BLOCK": "BLOCKED", "DENIED": "BLOCKED",
    "ERROR": "ERROR", "FAILED": "ERROR", "FAIL": "ERROR",
}  # fmt: skip
DECISIONS = ("EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN")
#: The fields that say what happened, and those of them that `details` may say as well. `timestamp`
#: says when; no other is looked at.
SAYING = ("decision", "executed", "error", "reason", "symbol")
SAYING_IN_DETAILS = ("decision", "executed", "error", "reason")
NO_DETAILS: Mapping[str, Any] = {}
_decode = json.JSONDecoder().decode
#: what typeshed leaves out
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_NO_WORD = frozenset(("", "NONE", "NULL"))
_TRUTH = {"TRUE": True, "1": True, "YES": True, "FALSE": False, "0": False, "NO": False}

#: How far an event's own time may be from its entry's id, in milliseconds.
AHEAD_MS, BEHIND_MS = 300_000, 172_800_000
#: The longest texts kept, in characters.
REASON_CHARS, UNKNOWN_CHARS = 64, 64
#: What is longer is not worth a place in a cache, in characters.
CACHED_CHARS = 200

_PART_OF = re.compile(r"_[0-9]+/[0-9]+\Z")
_NOT_IN_A_REASON = re.compile(r"[^a-z0-9_.-]")
_SYMBOL = re.compile(r"[A-Z0-9_.-]{1,32}")


class Said(NamedTuple):
    """What an entry says; `unknown` is the decision's word where it is none of WORDS, else None."""

    decision: str
    reason: str
    symbol: str | None
    unknown: str | None


class ApplyResult(NamedTuple):
    """One event: what it says, and when it was."""

    decision: str
    reason: str
    time_ms: int
    symbol: str | None
    unknown: str | None


def normalise(entry_id: str, fields: Mapping[str, Any]) -> ApplyResult:
    """Return what an entry says."""
    decision, reason, symbol, unknown = say(fields)
    at_ms = time_ms(fields.get("timestamp"), id_ms(entry_id))
    return ApplyResult(decision, reason, at_ms, symbol, unknown)


def say(fields: Mapping[str, Any]) -> Said:
    """Return what an entry says beside its time."""
    return say_with(fields, details_of(fields["details"]) if "details" in fields else NO_DETAILS)


def say_with(fields: Mapping[str, Any], details: Mapping[str, Any]) -> Said:
    """Return what an entry says beside its time; `details` is what its field of that name holds."""
    get = fields.get
    word = _word(get("decision")) or _word(details.get("decision"))
    reason = (
        _family(get("error"))
        or _family(details.get("error"))
        or _family(get("reason"))
        or _family(details.get("reason"))
        or NO_REASON
    )
    decision = WORDS.get(word)
    unknown = None
    if decision is None:
        unknown = _writable(word[:UNKNOWN_CHARS]) or None
        executed = _TRUTH.get(_word(get("executed")))
        if executed is None:
            executed = _TRUTH.get(_word(details.get("executed")))
        decision = _by_effect(executed, reason)
    return Said(decision, reason, _symbol(get("symbol")), unknown)


def time_ms(value: object, of_id_ms: int) -> int:
    """Return the event's own time where it is near its id's, in milliseconds."""
    at_ms: float = of_id_ms
    if isinstance(value, str):
        own_ms = said_ms(value)
        # NaN and infinity are near nothing
        if -BEHIND_MS <= own_ms - of_id_ms <= AHEAD_MS:
            at_ms = own_ms
    return min(max(int(at_ms), 0), LATEST_MS)


def _by_effect(executed: bool | None, reason: str) -> str:  # noqa: FBT001  three values, no switch
    if executed is None:
        return "UNKNOWN"
    if executed:
        return "EXECUTE"
    return "SKIP" if reason == NO_REASON else "BLOCKED"


def details_of(value: object) -> Mapping[str, Any]:
    """Return the JSON object that a value is, an empty one where it is none."""
    text = _text(value)
    try:
        if text[:1] == "{":
            # straight to the scanner: decode() looks for space around it, which nobody writes
            found, end = _scan(text, 0)
            if end == len(text):
                return found  # type: ignore[no-any-return]
        found = _decode(text)
    except (ValueError, RecursionError, StopIteration):
        return NO_DETAILS
    return found if isinstance(found, dict) else NO_DETAILS


def _text(value: object) -> str:
    """Return a value as text: a string is itself, anything else as JSON writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__


def _word(value: object) -> str:
    """Return a word trimmed and in upper case; "" where it is none."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else _text(value)
    return _cached_word(text) if len(text) <= CACHED_CHARS else _cut_word(text)


def _cut_word(text: str) -> str:
    word = text.strip().upper()
    return "" if word in _NO_WORD else word


_cached_word = lru_cache(maxsize=4096)(_cut_word)


def _writable(text: str) -> str:
    """Return text that UTF-8 can say: JSON may bring half a surrogate pair."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _family(value: object) -> str:
    """Return the family of a reason, "" where it is none; only strings count."""
    if not isinstance(value, str):
        return ""
    return _cached_family(value) if len(value) <= CACHED_CHARS else _cut_family(value)


def _cut_family(text: str) -> str:
    family = _PART_OF.sub("", text.strip().partition(":")[0].strip().lower())
    family = _NOT_IN_A_REASON.sub("_", family)[:REASON_CHARS]
    return "" if family in {"none", "null"} else family


_cached_family = lru_cache(maxsize=4096)(_cut_family)


def _symbol(value: object) -> str | None:
    if not isinstance(value, str) or len(value) > CACHED_CHARS:
        return None
    return _cached_symbol(value)


@lru_cache(maxsize=4096)
def _cached_symbol(text: str) -> str | None:
    symbol = text.upper()
    return symbol if _SYMBOL.fullmatch(symbol) else None
