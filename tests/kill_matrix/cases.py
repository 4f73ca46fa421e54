"""Which points are killed beside what: all of it, or a sample in which every point is once."""

import random
from typing import NamedTuple

NONE, DUPLICATE, STALE_CLAIM, LOST_REPLY, RESTART = (
    "none", "duplicate", "stale claim", "lost reply", "Redis restart",
)  # fmt: skip
COMPANIONS = (NONE, DUPLICATE, STALE_CLAIM, LOST_REPLY, RESTART)


#: Only an exchange has protective orders; skipping asks none; all else is on paper as well.
ONLY_THERE, NEVER_THERE = "protect", "skip"
#: This one is there in every sample: who comes after it must ask for what was sent.
SENT = "execution.after_submit"


class Case(NamedTuple):
    point: str
    companion: str
    #: what is fed, how many visits pass by, who comes after it
    seed: int
    #: whether orders go to the simulated exchange, and not to paper
    there: bool = False


def whole(points, seed):
    """Return every point beside every companion, on paper and at the exchange."""
    drawn = [(p, c, there) for p in points for there in markets(p) for c in COMPANIONS]
    return [Case(p, c, seed + 1_000 * n, there) for n, (p, c, there) in enumerate(drawn)]


def markets(point):
    """Return where a point is visited: at the exchange (True), on paper or anywhere (False)."""
    if not point.startswith("execution.") or point.endswith(NEVER_THERE):
        return (False,)
    return (True,) if point.endswith(ONLY_THERE) else (False, True)


def sample(points, seed):
    """Return every point once, beside a drawn companion; none of these is drawn much more often."""
    chance = random.Random(seed)
    drawn = []
    while len(drawn) < len(points):
        drawn += chance.sample(COMPANIONS, len(COMPANIONS))
    return [
        Case(point, companion, seed + 1_000 * n, point == SENT or markets(point)[0])
        for n, (point, companion) in enumerate(zip(points, drawn, strict=False))
    ]
