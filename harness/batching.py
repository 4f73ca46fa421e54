"""How many hosts a deploy takes at a time, from words like `1,3,50%`; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import ConfigurationError

_WORD = re.compile(r"(?P<number>[0-9]{1,9})(?P<percent>%?)")
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Share:
    """One word: a number of hosts, or a percentage of all of them."""

    number: int
    percent: bool = False

    def of(self, total: int) -> int:
        """Return how many of `total` hosts that is: a part of a host is a whole one."""
        if not self.percent:
            return self.number
        return max(1, -(-self.number * total // WHOLE))


@dataclass(frozen=True, slots=True)
class Serial:
    """The sizes of the batches, in order; the last one repeats."""

    shares: tuple[Share, ...] = (Share(WHOLE, percent=True),)

    def size(self, number: int, total: int) -> int:
        """Return how many hosts the batch with this number takes, counted from 0."""
        return self.shares[min(number, len(self.shares) - 1)].of(total)

    def sizes(self, total: int) -> list[int]:
        """Return the sizes of all batches of `total` hosts: together they are all of them."""
        found: list[int] = []
        while (left := total - sum(found)) > 0:
            found.append(min(left, self.size(len(found), total)))
        return found


#: What there is without --serial: everything is one batch.
ALL_AT_ONCE = Serial()


def parse(words: str) -> Serial:
    """Return what was typed after --serial; nothing means all at once.

    Raises ConfigurationError for anything but numbers above 0 and percentages up to 100.
    """
    if not words.strip():
        return ALL_AT_ONCE
    return Serial(tuple(_share(word.strip()) for word in words.split(",")))


def _share(word: str) -> Share:
    match = _WORD.fullmatch(word)
    share = Share(int(match["number"]), bool(match["percent"])) if match else Share(0)
    if not share.number or (share.percent and share.number > WHOLE):
        raise ConfigurationError(
            f"{word!r} is no size of a batch: a number of hosts above 0,"
            " or a percentage of them up to 100%",
            step="--serial",
            action="invoke deploy --serial 1,3,50%",
        )
    return share
