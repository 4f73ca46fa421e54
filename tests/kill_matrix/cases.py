"""Which points are killed beside what: all of it, or a sample in which every point is once."""

import random
from typing import NamedTuple

NONE, DUPLICATE, STALE_CLAIM, LOST_REPLY, RESTART = (
    "none", "duplicate", "stale claim", "lost reply", "Redis restart",
)  # fmt: skip
COMPANIONS = (NONE, DUPLICATE, STALE_CLAIM, LOST_REPLY, RESTART)


class Case(NamedTuple):
    point: str
    companion: str
    #: what is fed, how many visits pass by, who comes after it
    seed: int


def whole(points, seed):
    """Return every point beside every companion."""
    return [
        Case(point, companion, seed + 1_000 * n)
        for n, (point, companion) in enumerate((p, c) for p in points for c in COMPANIONS)
    ]


def sample(points, seed):
    """Return every point once, beside a drawn companion; none of these is drawn much more often."""
    chance = random.Random(seed)
    drawn = []
    while len(drawn) < len(points):
        drawn += chance.sample(COMPANIONS, len(COMPANIONS))
    return [
        Case(point, companion, seed + 1_000 * n)
        for n, (point, companion) in enumerate(zip(points, drawn, strict=False))
    ]
