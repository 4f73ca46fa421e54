"""How long things took, before, during and after the faults: numbers, and their places on a scale.

The scale is logarithmic and one for each table: what matters is how many times slower it became.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

from fault_injection.checkers import Judgement
from fault_injection.checkers.latency import PHASES
from fault_injection.report.wording import milliseconds

RANKS = ("p50", "p95", "p99", "max")
#: Below this, in ms, one is as good as the other.
LEAST_MS = 0.01
#: What is measured -> what it is for people.
MEASURED: Mapping[str, str] = {
    "answered": "until the operation was answered",
    "settled": "until its effect was there",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One phase: texts by rank, and their places in percent."""

    phase: str
    samples: int
    texts: Sequence[str]
    places: Sequence[float]


@dataclass(frozen=True, slots=True)
class Table:
    """One latency in its phases."""

    title: str
    rows: Sequence[Row]


def latencies(judgement: Judgement) -> list[Table]:
    """Return the tables of what was measured, none where nothing was."""
    tables = []
    for name, title in MEASURED.items():
        phases = measured(judgement, name)
        values = [max(LEAST_MS, each[rank]) for each in phases.values() for rank in RANKS]
        if not values:
            continue
        low, high = log10(min(values)), log10(max(values))
        span = max(high - low, 0.1)
        rows = [
            Row(phase, int(each["samples"]), [milliseconds(each[rank]) for rank in RANKS],
                [round(2 + 96 * (log10(max(LEAST_MS, each[rank])) - low) / span, 1)
                 for rank in RANKS])
            for phase, each in phases.items()
        ]  # fmt: skip
        tables.append(Table(title, rows))
    return tables


def measured(judgement: Judgement, name: str) -> Mapping[str, Mapping[str, float]]:
    """Return phase -> ranks in ms, as the checker measured them."""
    finding = judgement.findings.get("latency")
    by_phase = finding.numbers.get(name, {}) if finding else {}
    if not isinstance(by_phase, Mapping):
        return {}
    return {phase: by_phase[phase] for phase in PHASES if phase in by_phase}
