"""The system was well before the faults, and is well again after them.

Unknown where nobody looked, or where it was ill to begin with; refuted where it stayed ill.
"""

from __future__ import annotations

from fault_injection.history.happenings import AFTER, BEFORE, Steady
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = False


def check(history: History) -> Finding:
    """Compare the looks before with the last look after."""
    looks = {
        phase: [each for each in history.of(Steady) if each.phase == phase]
        for phase in (BEFORE, AFTER)
    }
    for phase, seen in looks.items():
        if not seen:
            return Finding.unknown(f"nobody looked {phase} the faults")
    ill = [each for each in looks[BEFORE] if not each.well]
    if ill:
        return Finding.unknown(f"it was not well to begin with: {ill[0].said}")
    last = looks[AFTER][-1]
    if not last.well:
        return Finding.refuted(f"it is not well after the faults: {last.said}")
    return Finding.proved("well before, and well again")
