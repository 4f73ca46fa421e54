"""Which identities' lives a report tells: the lost, the doubled, the slowest, and ordinary ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from fault_injection.checkers import Judgement
from fault_injection.checkers.accounts import accounts
from fault_injection.checkers.windows import Window, windows
from fault_injection.history.happenings import (
    CLAIMED,
    GONE,
    INJECTED,
    KINDS,
    OBSERVED,
    UNDONE,
    Delivery,
    Fault,
    Happening,
    Invoked,
)
from fault_injection.history.lives import lives
from fault_injection.history.reading import History
from fault_injection.report.axis import Axis
from fault_injection.report.series import timeless
from fault_injection.report.wording import cut, lasted
from proofs.finding import Verdict

#: So many lives for each reason, in all, and so many lines of each.
FOR_A_REASON, MOST, MOST_LINES = 4, 20, 40
ORDINARY = 3
#: So many lines of faults are told amid a life.
MOST_FAULTS = 12
SHORT_ID = 12
#: These stages of a fault are told amid a life.
SEEN = (INJECTED, OBSERVED, UNDONE, GONE)


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a life."""

    at: str
    since: str
    word: str
    said: str
    during: bool  #: whether a fault was there
    fault: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """An identity, why it is here, and its life."""

    identity: str
    why: Sequence[str]
    ill: bool
    moments: Sequence[Moment]
    more: int


def told_lives(
    history: History, judgement: Judgement, axis: Axis, most: int = MOST
) -> Sequence[Told]:
    """Return the chosen lives, the ill ones first."""
    why: dict[str, list[tuple[str, bool]]] = {}
    for identity, reason, ill in _reasons(history, judgement):
        why.setdefault(identity, []).append((reason, ill))
    chosen = sorted(why, key=lambda each: not any(ill for _, ill in why[each]))[:most]
    found = lives(history, chosen)
    shown, faults = windows(history), _faults(history)
    return [
        _told(identity, why[identity], found[identity], faults, shown, axis)
        for identity in chosen
        if found[identity]
    ]


def told_life(history: History, identity: str, axis: Axis) -> Told | None:
    """Return the life of any identity, whole; None where the history says nothing of it."""
    lines = lives(history, [identity])[identity]
    if not lines:
        return None
    shown, faults = windows(history), _faults(history)
    return _told(identity, (), lines, faults, shown, axis, len(lines))


def _faults(history: History) -> list[Fault]:
    """Return what was seen of faults, in the order of time."""
    found = [each for each in history.of(Fault) if each.stage in SEEN]
    return sorted(found, key=lambda each: (each.wall_ns, each.n))


def _reasons(history: History, judgement: Judgement) -> Iterator[tuple[str, str, bool]]:
    """Yield identities, why they are worth to be told, and whether that is a fault of theirs."""
    names = {"duplicated": "doubled"}
    for name, finding in judgement.findings.items():
        kept = finding.numbers.get("identities")
        refuted = finding.verdict is Verdict.refuted
        if isinstance(kept, list) and (refuted or name == "recovered"):
            for identity in kept[:FOR_A_REASON]:
                yield str(identity), names.get(name, name), refuted
    invoked = {each.identity: each.wall_ns for each in reversed(history.of(Invoked))}
    invoked.pop("", None)
    effects = _first_effects(history)
    unknown = timeless(history)
    took = {
        who: at - invoked[who]
        for who, at in effects.items()
        if who in invoked and at not in unknown
    }
    for identity in sorted(took, key=lambda who: (-took[who], who))[:FOR_A_REASON]:
        yield identity, f"among the slowest: {lasted(max(0, took[identity]))}", False
    for identity in _taken_over(history)[:FOR_A_REASON]:
        yield identity, "taken over from a dead consumer", False
    usual = sorted(took, key=lambda who: (took[who], who)) or list(invoked)
    for part in range(ORDINARY if usual else 0):
        yield usual[len(usual) * (2 * part + 1) // (2 * ORDINARY)], "ordinary", False


def _first_effects(history: History) -> Mapping[str, int]:
    """Return identity -> when its first effect was; none where the history is malformed."""
    try:
        return {
            who: at for account in accounts(history) for who, at in account.first_effects().items()
        }
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return {}


def _taken_over(history: History) -> list[str]:
    """Return identities whose entry was claimed from another consumer."""
    claimed = {(each.flow, each.entry) for each in history.of(Delivery) if each.how == CLAIMED}
    if not claimed:
        return []
    try:
        every = [
            account.entries[entry]
            for account in accounts(history)
            for flow, entry in claimed
            if flow == account.flow.flow and entry in account.entries
        ]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return []
    return sorted(set(every))


def _told(
    identity: str,
    why: Sequence[tuple[str, bool]],
    lines: Sequence[Happening],
    faults: Sequence[Fault],
    shown: Sequence[Window],
    axis: Axis,
    most: int = MOST_LINES,
) -> Told:
    first, last = lines[0].wall_ns, lines[-1].wall_ns
    amid = [each for each in faults if first <= each.wall_ns <= last][:MOST_FAULTS]
    kept = sorted([*lines[:most], *amid], key=lambda each: (each.wall_ns, each.n))
    moments = [
        Moment(
            axis.clock(each.wall_ns), f"+{lasted(each.wall_ns - first)}", _word(each), _said(each),
            any(w.began_ns <= each.wall_ns <= (w.gone_ns or axis.to_ns) for w in shown),
            isinstance(each, Fault),
        )
        for each in kept
    ]  # fmt: skip
    reasons = list(dict.fromkeys(reason for reason, _ in why))
    more = max(0, len(lines) - most)
    return Told(cut(identity, 120), reasons, any(ill for _, ill in why), moments, more)


_WORDS = {kind: word.replace("_", " ") for word, kind in KINDS.items()}


def _word(each: Happening) -> str:
    return f"fault {each.stage}" if isinstance(each, Fault) else _WORDS[type(each)]


def _said(each: Happening) -> str:
    """Return a line's own words, what stands at its default left out."""
    if isinstance(each, Fault):
        return cut(" ".join(filter(None, (each.name, f"({each.fault})", each.target))))
    said = []
    for name in _own(type(each)):
        value = getattr(each, name)
        if value in ("", 0, (), None, False) or name in {"identity", "key", "process"}:
            continue
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        said.append(f"{name} {cut(text, SHORT_ID if name == 'digest' else 80)}".replace("_", " "))
    return cut(" · ".join(said))


def _own(kind: type[Happening]) -> Sequence[str]:
    return [each.name for each in fields(kind) if each.name not in {"n", "wall_ns", "mono_ns"}]
