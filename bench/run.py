"""What one run of the bench has at hand: its sizes, its servers, what it compares with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from bench import contestants, servers
from bench.contestants import Contestant
from bench.failing import CannotMeasureError
from bench.peers import environment
from bench.reference import Reference
from bench.scale import Scale
from bench.servers import Server


@dataclass(slots=True)
class Run:
    """One run; `kind` is the server's."""

    scale: Scale
    kind: str
    reference: Reference
    with_peers: bool
    #: why the peers are missing, "" where they are not
    without: str = ""
    #: topics that had fewer rounds than they should, with how many there were
    cut_short: dict[str, int] = field(default_factory=dict)

    def rounds(self, topic: str, within_s: float) -> Iterator[int]:
        """Yield the number of each round: no more than another one of the longest has time for.

        There is one in any case.
        """
        started = last = time.monotonic()
        longest_s = 0.0
        for number in range(self.scale.rounds):
            if number and last + longest_s > started + within_s:
                self.cut_short[topic] = number
                return
            yield number
            now = time.monotonic()
            longest_s, last = max(longest_s, now - last), now

    def server(self, *more: str) -> AbstractContextManager[Server]:
        """Return a new server of its own."""
        return servers.running(self.kind, *more)

    def peers(self) -> tuple[Contestant, ...]:
        """Return the libraries that are compared; none where they cannot be had."""
        if not self.with_peers:
            return ()
        try:
            return contestants.others(environment.python())
        except CannotMeasureError as error:
            self.with_peers, self.without = False, str(error)
            return ()
