"""After the faults are gone, lag and pending come back to the baseline and stay, in good time.

The baseline is the worst sample before the first fault. A group is back with the first of
`back_for` samples in a row that are no worse; the recovery time is from the moment when the fault
was seen to be gone. Where the next fault comes before that, only the last one must be got over.
Unknown without samples on both sides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from fault_injection.checkers.windows import Window, episodes
from fault_injection.history.happenings import LAG, Sample
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = True
NS = 10**9


def check(history: History) -> Finding | None:
    """Measure every recovery, in every flow."""
    if not (flows := history.flows(LAG)):
        return None
    found = episodes(history)
    if not found or any(each.gone_ns is None for each in found):
        return Finding.unknown("no fault was seen to come and to go, so there is none to get over")
    opening = history.opening
    back_for, within_s = (opening.back_for, opening.back_within_s) if opening else (1, 0)
    times: dict[str, float] = {}
    refuted: list[str] = []
    unknown: list[str] = []
    for flow in flows:
        samples = sorted((each for each in history.of(Sample) if each.flow == flow.flow), key=_when)
        early = samples[: bisect_left(samples, found[0].began_ns, key=_when)]
        if not early:
            unknown.append(f"{flow.flow}: no sample before the first fault")
            continue
        base = max(each.lag for each in early), max(each.pending for each in early)
        for window, following in _with_next(found):
            until = None if following is None else following.began_ns
            after = samples[bisect_left(samples, _gone(window), key=_when) :]
            time_s = _recovered(window, after, base, back_for, until)
            if time_s is not None:
                times[f"{flow.flow} after {name_of(window)}"] = time_s
            elif following is None:
                late, text = _not_back(flow.flow, window, after, within_s)
                (refuted if late else unknown).append(text)
    refuted += [
        f"{what}: {s:.3f} s, over {within_s} s" for what, s in times.items() if s > within_s
    ]
    numbers = {what: round(time_s, 6) for what, time_s in times.items()}
    if refuted:
        return Finding.refuted(*refuted, recovery_s=numbers)
    if unknown:
        return Finding.unknown(*unknown, recovery_s=numbers)
    return Finding.proved(f"back within {max(times.values()):.3f} s", recovery_s=numbers)


def _with_next(found: Sequence[Window]) -> Iterator[tuple[Window, Window | None]]:
    yield from pairwise(found)
    yield found[-1], None


def _recovered(
    window: Window,
    after: Sequence[Sample],
    base: tuple[int, int],
    back_for: int,
    until: int | None,
) -> float | None:
    """Return the seconds until the first of so many good samples in a row, None for never."""
    first, good = 0, 0
    for each in after:
        if until is not None and each.wall_ns >= until:
            return None
        if each.lag > base[0] or each.pending > base[1]:
            good = 0
            continue
        first, good = (first, good + 1) if good else (each.wall_ns, 1)
        if good == back_for:
            return (first - _gone(window)) / NS
    return None


def _not_back(
    flow: str, window: Window, after: Sequence[Sample], within_s: int
) -> tuple[bool, str]:
    """Return whether it was watched long enough to say that it is late, and what to say."""
    if not after or (after[-1].wall_ns - _gone(window)) / NS < within_s:
        return False, f"{flow}: watched too short after {name_of(window)}"
    waiting = f"lag {after[-1].lag}, pending {after[-1].pending}"
    return True, f"{flow}: not back {within_s} s after {name_of(window)}: {waiting}"


def _gone(window: Window) -> int:
    assert window.gone_ns is not None
    return window.gone_ns


def name_of(window: Window) -> str:
    """Return what an episode is called in a finding: by its last fault."""
    more = len(window.faults) - 1
    return window.faults[-1] + (f" and {more} more" if more else "")


def _when(sample: Sample) -> int:
    return sample.wall_ns
