"""Tell a day of faults in a terminal: the verdict, what was not seen, what did not hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fault_injection.checkers import Judgement
from fault_injection.history.reading import History
from fault_injection.report.day import Day, day_of
from fault_injection.report.latencies import RANKS, latencies
from fault_injection.report.recovering import recovery_times
from fault_injection.report.summing_up import ALIKE, compared
from fault_injection.report.wording import NS, cut, first_of, lasted
from fault_injection.schedules.schedule import Schedule
from proofs.finding import Verdict

#: So many faults, reasons and recoveries are told one by one.
MOST = 8


def told(
    history: History,
    judgement: Judgement,
    schedule: Schedule | None,
    previous: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the lines, the verdict first."""
    day = day_of(history, judgement, schedule)
    return [
        day.sentence,
        *(f"note: {each}" for each in day.remarks),
        *_unseen(day),
        *_findings(judgement),
        *_recoveries(judgement),
        *_latencies(judgement),
        *_compared(day, previous),
    ]


def _unseen(day: Day) -> list[str]:
    lines = [
        f"no test: {each.name} ({each.fault}) {each.target}: {each.state}" for each in day.unseen
    ]
    return first_of(lines, MOST)


def _findings(judgement: Judgement) -> list[str]:
    lines = []
    for name, finding in judgement.findings.items():
        if finding.verdict is not Verdict.proved:
            reasons = first_of(finding.reasons, MOST)
            lines += [f"{finding.verdict.name:8} {name}: {reason}" for reason in reasons]
    held = [name for name, each in judgement.findings.items() if each.verdict is Verdict.proved]
    if held:
        lines.append(f"held     {', '.join(held)}")
    if judgement.not_asked:
        lines.append(f"not asked, since no flow gathers it: {', '.join(judgement.not_asked)}")
    return lines


def _recoveries(judgement: Judgement) -> list[str]:
    times = sorted(recovery_times(judgement).items(), key=lambda each: (-each[1], each[0]))
    if not times:
        return []
    said = [f"{cut(what, 80)} {lasted(int(took * NS))}" for what, took in times[: MOST // 2]]
    more = len(times) - len(said)
    return [f"recovery: {'; '.join(said)}" + (f"; {more:,} more, none slower" if more else "")]


def _latencies(judgement: Judgement) -> list[str]:
    return [
        f"{table.title}, {row.phase}: "
        + ", ".join(f"{rank} {text}" for rank, text in zip(RANKS, row.texts, strict=True))
        for table in latencies(judgement)
        for row in table.rows
    ]


def _compared(day: Day, previous: Mapping[str, Any] | None) -> list[str]:
    if previous is None:
        return []
    rows = [
        f"since the day before: {each.what} {each.before} -> {each.now}, {each.change}"
        for each in compared(day.summary, previous)
        if each.change not in {"", ALIKE}
    ]
    return rows or ["since the day before: nothing is better or worse"]
