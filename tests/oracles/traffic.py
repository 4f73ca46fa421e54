"""Produce traffic in which nearly every entry has an identity of its own that its effect shows.

Each entry bears a symbol that no other has, so its minute's bucket gets a field of its own: what
was counted twice and what was not at all never cancel out. Entries with an odd time keep their
common symbol: they land in the few minutes of the run, whose buckets have no room for so many.
"""

import itertools
import re
import threading
import time

from fault_injection.workloads.apply_result import ODD_TIMES, events, feed
from tests.consumers.running import GROUP, STATUS, STREAM, processed
from tests.oracles.scale import sized
from tests.waiting import until

MINUTE_MS = 60_000
#: Fewer than a bucket has room for.
IDENTITIES_PER_MINUTE = 300
#: No further back than an entry's own time is believed, less what a long run takes.
LONGEST_SPAN_MS = 47 * 60 * MINUTE_MS
#: Fed at once, and how far ahead of the count: blows must fall while entries come in.
CHUNK, AHEAD = 500, sized(8_000, 20_000)

IDENTITY = re.compile(r"E[0-9]+")


def traffic(seed, count, turn=0):
    """Yield the fields of `count` entries; each turn has identities and minutes of its own."""
    span_ms = min(LONGEST_SPAN_MS, (count // IDENTITIES_PER_MINUTE + 1) * MINUTE_MS)
    start_ms = int(time.time() * 1000) - turn % (LONGEST_SPAN_MS // span_ms) * span_ms
    made = events(seed + turn, count, start_ms, span_ms)
    for number, fields in enumerate(made, start=turn * count):
        if fields.get("timestamp") not in (None, *ODD_TIMES):
            fields["symbol"] = f"E{number}"
        yield fields


class Feeder(threading.Thread):
    """Adds `count` entries and more, until `enough` is set, never far ahead of those who count.

    `ids` is what Redis answered. More, since nobody can be hit at work where nothing is left to do.
    """

    def __init__(self, server, seed, count):
        super().__init__(daemon=True)
        self._client, self._count = server.client(), count
        turns = (traffic(seed, count, turn) for turn in itertools.count())
        self._waiting = itertools.chain.from_iterable(turns)
        self.ids, self._failed = [], None
        self.enough, self._over = threading.Event(), threading.Event()

    def run(self):
        try:
            while not self._over.is_set() and self._wanted():
                self.feed_some()
                until(self._near, within_s=120, what="a count that keeps up")
        except BaseException as error:
            self._failed = error
            raise

    def feed_some(self, count=CHUNK):
        """Add `count` entries."""
        added = feed(self._client, STREAM, itertools.islice(self._waiting, count))
        self.ids += [entry_id for entry_id, _ in added]

    def _wanted(self):
        return len(self.ids) < self._count or not self.enough.is_set()

    def _near(self):
        return (
            self._over.is_set()
            or self.enough.is_set()
            or len(self.ids) - processed(self._client) < AHEAD
        )

    def finish(self):
        """Let it add what is left of its count, and end."""
        self.enough.set()
        self.join()
        assert self._failed is None

    def close(self):
        """End it at once: what a failed test left behind would feed the next one."""
        self._over.set()
        if self.is_alive():
            self.join()


def until_settled(client, within_s=30):
    """Wait until everything was given out and nothing is pending, for as long as it goes on."""
    seen = None
    while not settled(client):
        until(
            lambda: settled(client) or client.hget(STATUS, "processed_total") != seen,  # noqa: B023
            within_s, what=f"progress past {seen}",
        )  # fmt: skip
        seen = client.hget(STATUS, "processed_total")


def settled(client):
    newest = client.xinfo_stream(STREAM)["last-generated-id"]
    (place,) = [each for each in client.xinfo_groups(STREAM) if each["name"] == GROUP]
    return place["last-delivered-id"] == newest and place["pending"] == 0
