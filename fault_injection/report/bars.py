"""Times in a lane, as bars: those that touch are one, very many are told as how many when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fault_injection.checkers.windows import Window
from fault_injection.report.axis import Axis

#: Bars of a kind with less than this between them are drawn as one, in percent.
TOO_CLOSE = 0.12
#: The ground of a fault is at least so wide, in percent.
LEAST_SHADE = 0.08
#: So many bars of one of these kinds are shown as a crowd: how many began when. What is around
#: each of them would then tell nothing.
MANY, CROWD_BINS = 60, 100
CROWDS = frozenset({"observed", "unseen", "stuck", "down", "still", "hit"})
AROUND = frozenset({"planned", "injected", "undone"})


@dataclass(frozen=True, slots=True)
class Bar:
    """A time in a lane, in percent; `kind` says how it is drawn."""

    kind: str
    x: float
    width: float
    said: str
    label: str = ""
    count: int = 1
    share: float = 1.0  #: of its height


def shades(of: Iterable[Window], axis: Axis) -> list[Bar]:
    """Return when any fault was there, as wide as it was: what is told must not be overdone."""
    kept: list[Bar] = []
    for each in of:
        end_ns = axis.to_ns if each.gone_ns is None else each.gone_ns
        if not axis.shows(each.began_ns, end_ns):
            continue
        x, end = axis.at(each.began_ns), axis.at(end_ns)
        if kept and x - (kept[-1].x + kept[-1].width) < LEAST_SHADE:
            x = kept.pop().x
        kept.append(Bar("shade", x, round(max(LEAST_SHADE, end - x), 2), ""))
    return kept


def joined(bars: Iterable[Bar]) -> list[Bar]:
    """Return the bars that are seen: those of a kind that touch as one, very many as a crowd."""
    by_kind: dict[str, list[Bar]] = {}
    for each in sorted((bar for bar in bars if bar.width), key=lambda bar: (bar.x, bar.kind)):
        by_kind.setdefault(each.kind, []).append(each)
    dense = any(len(of) >= MANY for kind, of in by_kind.items() if kind in CROWDS)
    kept: list[Bar] = []
    for kind, of in by_kind.items():
        if dense and kind in CROWDS:
            kept += _crowd(of)
        elif not dense or kind not in AROUND:
            kept += _touching(of)
    return sorted(kept, key=lambda bar: bar.x)


def _crowd(of: Sequence[Bar]) -> list[Bar]:
    """Return how many began when, as bars of different heights."""
    counts = Counter(min(CROWD_BINS - 1, int(each.x * CROWD_BINS / 100)) for each in of)
    most = max(counts.values())
    width = round(100 / CROWD_BINS - 0.2, 2)
    return [
        Bar(of[0].kind, round(100 * at / CROWD_BINS, 2), width, f"{count} of them", count=count,
            share=round(0.2 + 0.8 * count / most, 2))
        for at, count in sorted(counts.items())
    ]  # fmt: skip


def _touching(of: Sequence[Bar]) -> list[Bar]:
    kept: list[Bar] = []
    for each in of:
        if not kept or each.x - (kept[-1].x + kept[-1].width) >= TOO_CLOSE:
            kept.append(each)
            continue
        before = kept[-1]
        end = max(before.x + before.width, each.x + each.width)
        count = before.count + each.count
        said = f"{before.said.partition(' · ')[0]} · and {count - 1} more"
        width = round(end - before.x, 2)
        kept[-1] = replace(before, width=width, count=count, said=said, label=str(count))
    return kept
