"""Count pending entries exactly once: fold a batch, add it where XACK says it is ours to add."""

from __future__ import annotations

import time

from consumers.analytics import adding
from consumers.analytics.settings import Settings
from consumers.loop.context import Context
from consumers.loop.giving_up import settle_lost
from consumers.loop.reading import Entry
from consumers.loop.sizing import Sizing
from streams import scripting
from streams.batches import RawEntry


class Counter:
    """Counts what was read; `size` is how much to read next, after what the last ones cost."""

    def __init__(self, context: Context[Settings]) -> None:
        self._context = context
        self._sizing = Sizing(context.client, context.settings.batch_size)

    @property
    def size(self) -> int:
        """Return how much to read next."""
        return self._sizing.size

    def count(self, entries: list[Entry]) -> int:
        """Count a batch, in the order of its ids, and return how many of it were ours to count.

        Raises GroupMovedError, and SpoiledKeyError with nothing done.
        """
        lost = [entry_id for entry_id, fields in entries if fields is None]
        if lost:
            settle_lost(self._context, lost)
        present: list[RawEntry] = [
            (entry_id, fields) for entry_id, fields in entries if fields is not None
        ]
        return self._add(present) if present else 0

    def _add(self, entries: list[RawEntry]) -> int:
        context = self._context
        symbols = context.settings.enable_symbol_breakdown
        words = adding.words(context.place, entries, symbols=symbols)
        context.failpoint("decision_intelligence.before_count")
        started = time.perf_counter()
        answer = scripting.run(context.client, "count", *words)
        took_s = time.perf_counter() - started
        context.failpoint("decision_intelligence.after_count")
        counted = adding.counted(answer)
        if counted is not None:
            self._sizing.took(len(entries), took_s)
            return counted
        # some of them are not ours: claimed by a peer, or counted before a lost reply
        middle = len(entries) // 2
        return self._add(entries[:middle]) + self._add(entries[middle:])
