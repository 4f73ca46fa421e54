"""After the faults are gone, lag and pending come back to the baseline and stay, in good time.

The baseline is the worst sample of the scenario before its first fault. A group is back with the
first of `back_for` samples in a row that are no worse; the recovery time is from the moment when
the fault was seen to be gone. Where the next fault comes before that time is over, only that one
must be got over. Unknown without samples on both sides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from fault_injection.checkers.windows import Window, before_faults, episodes
from fault_injection.history.happenings import LAG, Sample
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = True
NS = 10**9


class Measured(NamedTuple):
    """How one flow got over one episode."""

    what: str
    took_s: float | None = None
    why: str = ""  #: what is wrong, or not known
    late: bool = False  #: it was watched long enough to know


def check(history: History) -> Finding | None:
    """Measure every recovery, in every flow."""
    if not (flows := history.flows(LAG)):
        return None
    found = episodes(history)
    if not found or any(each.gone_ns is None for each in found):
        return Finding.unknown("no fault was seen to come and to go, so there is none to get over")
    opening = history.opening
    back_for, within_s = (opening.back_for, opening.back_within_s) if opening else (1, 0)
    every = [
        each for flow in flows for each in _measured(history, flow.flow, found, back_for, within_s)
    ]
    times = {each.what: each.took_s for each in every if each.took_s is not None}
    numbers = {
        "recovery_s": {what: round(took_s, 6) for what, took_s in times.items()},
        "not_back": [each.what for each in every if each.late],
    }
    refuted = [each.why for each in every if each.late]
    refuted += [
        f"{what}: {s:.3f} s, over {within_s} s" for what, s in times.items() if s > within_s
    ]
    if refuted:
        return Finding.refuted(*refuted, **numbers)
    if unknown := [each.why for each in every if each.why]:
        return Finding.unknown(*unknown, **numbers)
    return Finding.proved(f"back within {max(times.values()):.3f} s", **numbers)


def _measured(
    history: History, flow: str, found: Sequence[Window], back_for: int, within_s: int
) -> Iterator[Measured]:
    samples = sorted((each for each in history.of(Sample) if each.flow == flow), key=_when)
    spans = before_faults(history, found)
    bases = {span: _worst(_between(samples, *span)) for span in set(spans)}
    for (window, following), span in zip(_with_next(found), spans, strict=True):
        what = f"{flow} after {name_of(window)}"
        if (base := bases[span]) is None:
            yield Measured(what, why=f"{what}: no sample of its scenario before the faults")
            continue
        until_ns = following.began_ns if following else samples[-1].wall_ns + 1
        after = _between(samples, _gone(window), until_ns)
        took_s = _recovered(window, after, base, back_for)
        if took_s is not None:
            yield Measured(what, took_s)
        elif after and (after[-1].wall_ns - _gone(window)) / NS >= within_s:
            waiting = f"lag {after[-1].lag}, pending {after[-1].pending}"
            yield Measured(what, why=f"{what}: not back in {within_s} s: {waiting}", late=True)
        elif following is None:
            yield Measured(what, why=f"{what}: watched too short")


def _with_next(found: Sequence[Window]) -> Iterator[tuple[Window, Window | None]]:
    yield from pairwise(found)
    yield found[-1], None


def _between(samples: Sequence[Sample], from_ns: int, to_ns: int) -> Sequence[Sample]:
    first = bisect_left(samples, from_ns, key=_when)
    return samples[first : bisect_left(samples, to_ns, key=_when)]


def _worst(samples: Sequence[Sample]) -> tuple[int, int] | None:
    """Return the largest lag and the largest pending, None where nobody looked."""
    if not samples:
        return None
    return max(each.lag for each in samples), max(each.pending for each in samples)


def _recovered(
    window: Window, after: Sequence[Sample], base: tuple[int, int], back_for: int
) -> float | None:
    """Return the seconds until the first of so many good samples in a row, None for never."""
    first, good = 0, 0
    for each in after:
        if each.lag > base[0] or each.pending > base[1]:
            good = 0
            continue
        first, good = (first, good + 1) if good else (each.wall_ns, 1)
        if good == back_for:
            return (first - _gone(window)) / NS
    return None


def _gone(window: Window) -> int:
    assert window.gone_ns is not None
    return window.gone_ns


def name_of(window: Window) -> str:
    """Return what an episode is called in a finding: by its last fault."""
    more = len(window.faults) - 1
    return window.faults[-1] + (f" and {more} more" if more else "")


def _when(sample: Sample) -> int:
    return sample.wall_ns
