"""What a day comes to, in few numbers; and how it differs from another day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fault_injection.checkers import Judgement
from fault_injection.history.happenings import (
    AFTER,
    BEFORE,
    DURING,
    FAIL,
    GONE,
    INFO,
    OBSERVED,
    OK,
    Ended,
    Fault,
    Invoked,
)
from fault_injection.history.reading import History
from fault_injection.report.axis import axis_of
from fault_injection.report.latencies import measured
from fault_injection.report.recovering import recovery_times
from fault_injection.report.wording import NS, cut, lasted, milliseconds, number

#: The shape of a summary; one of another shape is not compared.
FORMAT = 1
#: A measured number that differs by less than this share is the same.
SAME = 0.1
BETTER, WORSE, ALIKE = "better", "worse", "the same"


def summary(history: History, judgement: Judgement) -> dict[str, Any]:
    """Return the day in numbers, as JSON; it is kept in judgement.json for the days to come."""
    axis, opening = axis_of(history), history.opening
    ended = [each.how for each in history.of(Ended)]
    invoked = len(history.of(Invoked))
    ok, failed = ended.count(OK), ended.count(FAIL)
    faults: dict[str, set[str]] = {}
    for each in history.of(Fault):
        faults.setdefault(each.fault, set()).add(each.stage)
    recoveries = recovery_times(judgement)
    return {
        "format": FORMAT,
        "verdict": judgement.verdict.name,
        "seed": opening.seed if opening else None,
        "schedule": opening.schedule if opening else "",
        "inventory": opening.inventory if opening else "",
        "mode": opening.mode if opening else "",
        "scenario": opening.scenario if opening else "",
        "began_ns": axis.from_ns,
        "lasted_ns": axis.span_ns,
        "operations": {
            "all": invoked, OK: ok, FAIL: failed,
            INFO: max(0, invoked - ok - failed),
        },
        "per_s": round(ok * NS / axis.span_ns, 1),
        "faults": {
            "all": len(faults),
            OBSERVED: sum(OBSERVED in each for each in faults.values()),
            GONE: sum({OBSERVED, GONE} <= each for each in faults.values()),
        },
        "lost": count(judgement, "lost", "lost"),
        "doubled": count(judgement, "duplicated", "doubled"),
        "recovered": count(judgement, "recovered", "recovered"),
        "dead_letters": count(judgement, "dead_letters", "letters"),
        "recovery_s": max(recoveries.values(), default=None),
        "latency": {
            name: {phase: dict(each) for phase, each in measured(judgement, name).items()}
            for name in ("answered", "settled")
        },
        "checks": {name: each.verdict.name for name, each in judgement.findings.items()},
        "not_asked": list(judgement.not_asked),
    }  # fmt: skip


def count(judgement: Judgement, checker: str, named: str) -> int | None:
    """Return a number of a finding, None where it was not asked or could not say."""
    finding = judgement.findings.get(checker)
    value = finding.numbers.get(named) if finding else None
    return value if isinstance(value, int) else None


@dataclass(frozen=True, slots=True)
class Difference:
    """One number then and now; `change` is what it means, "" where it means nothing by itself."""

    what: str
    before: str
    now: str
    change: str = ""


def compared(now: Mapping[str, Any], before: Mapping[str, Any]) -> Sequence[Difference]:
    """Return the differences of two summaries; () where the other one has another shape."""
    if now.get("format") != before.get("format"):
        return ()
    rows = [
        _row(what, _at(now, *path), _at(before, *path), told, direction)
        for what, path, told, direction in _NUMBERS
    ]
    checks = [
        Difference(
            f"check {name}", _word(before, name), _word(now, name), _change(before, now, name)
        )
        for name in sorted({*_checks(now), *_checks(before)})
        if _word(before, name) != _word(now, name)
    ]
    verdict = Difference("verdict", cut(_at(before, "verdict"), 20), cut(_at(now, "verdict"), 20),
                         _step(_at(before, "verdict"), _at(now, "verdict")))  # fmt: skip
    return [verdict, *(row for row in rows if row), *checks]


def same_trial(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Tell whether both days ran the same schedule on the same inventory."""
    return all(now.get(each) == before.get(each) for each in ("schedule", "inventory"))


def _seconds(value: float) -> str:
    return lasted(int(value * NS))


def _ns(value: float) -> str:
    return lasted(int(value))


#: What is compared: its name, where it stands, how it is told, and whether more is better (1),
#: worse (-1) or neither (0).
_NUMBERS = (
    ("lasted", ("lasted_ns",), _ns, 0),
    ("operations", ("operations", "all"), number, 0),
    ("answered per second", ("per_s",), number, 1),
    ("ended unknown", ("operations", INFO), number, 0),
    ("faults observed", ("faults", OBSERVED), number, 0),
    ("lost", ("lost",), number, -1),
    ("doubled", ("doubled",), number, -1),
    ("recovered", ("recovered",), number, 0),
    ("dead letters", ("dead_letters",), number, 0),
    ("slowest recovery", ("recovery_s",), _seconds, -1),
    *(
        (f"{name} p99, {phase}", ("latency", name, phase, "p99"), milliseconds, -1)
        for name in ("answered", "settled")
        for phase in (BEFORE, DURING, AFTER)
    ),
)
_GOOD = ("refuted", "unknown", "proved")


def _row(what: str, now: Any, before: Any, told: Any, direction: int) -> Difference | None:
    values = [each if isinstance(each, int | float) else None for each in (before, now)]
    if values == [None, None]:
        return None
    texts = ["not measured" if each is None else told(each) for each in values]
    then, this = values
    if then is None or this is None or not direction:
        return Difference(what, texts[0], texts[1])
    measured_one = isinstance(this, float) or isinstance(then, float)
    near = abs(this - then) <= SAME * max(abs(this), abs(then)) if measured_one else this == then
    change = ALIKE if near else BETTER if (this > then) == (direction > 0) else WORSE
    return Difference(what, texts[0], texts[1], change)


def _at(summary: Mapping[str, Any], *path: str) -> Any:
    found: Any = summary
    for each in path:
        found = found.get(each) if isinstance(found, Mapping) else None
    return found


def _checks(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    checks = summary.get("checks")
    return checks if isinstance(checks, Mapping) else {}


def _word(summary: Mapping[str, Any], name: str) -> str:
    return cut(_checks(summary).get(name, "not asked"), 20)


def _change(before: Mapping[str, Any], now: Mapping[str, Any], name: str) -> str:
    return _step(_word(before, name), _word(now, name))


def _step(before: Any, now: Any) -> str:
    if before not in _GOOD or now not in _GOOD:
        return ""
    step = _GOOD.index(now) - _GOOD.index(before)
    return ALIKE if not step else BETTER if step > 0 else WORSE
