"""Catch up with a long backlog, fast and with little work for Redis.

Entries are seen with XRANGE, right behind the group's place, and not taken: none becomes pending.
One script then counts them and moves the group past them, provided that the group still stands
where it stood: that is the token here, as XACK's answer is for entries that were taken. Whatever
dies in between, nothing was done; whoever comes second is told so and did nothing. While a batch is
folded the next one is under way.

Two that caught up at once would see the same entries and one of them in vain: so a consumer does
it while it is alone in the group, and else all take entries in the ordinary way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis.exceptions import NoScriptError

from consumers.analytics import adding
from consumers.analytics.settings import Settings
from consumers.loop.context import Context
from streams import groups, scripting
from streams.batches import RawEntry

#: What is shorter is no backlog, and read in the ordinary way, in entries.
SHORTEST = 100
#: So many at once: to see and to count them takes Redis about 1.5 ms, for which others wait.
LARGEST = 500


class CatchUp:
    """Counts what waits behind the group's place, in whole batches."""

    def __init__(self, context: Context[Settings]) -> None:
        self._context, self._client, self._place = context, context.client, context.place
        self._symbols = context.settings.enable_symbol_breakdown

    def run(self, size: int, enough: Callable[[], bool]) -> int:
        """Count batches of `size` (LARGEST at most) while there are whole ones, until `enough`.

        Return how many were counted; raises what Counter.count does.
        """
        at = groups.position(self._client, self._place.stream, self._place.group)
        if size < SHORTEST or at is None or at.consumers > 1:
            return 0
        # one batch is read ahead; more is own pending, which comes first
        if at.pending > self._context.settings.batch_size:
            return 0
        link = self._client.connection_pool.get_connection()
        try:
            done = self._run(link, at.last_delivered_id, min(size, LARGEST), enough)
        except BaseException:
            link.disconnect()  # answers may be under way, and are none of the next one's
            raise
        finally:
            self._client.connection_pool.release(link)
        return done

    def _run(self, link: Any, stands: str, size: int, enough: Callable[[], bool]) -> int:
        done = 0
        self._look(link, stands, size)
        seen = link.read_response()
        while len(seen) == size and not enough():
            after, stands = stands, seen[-1][0]
            self._look(link, stands, size)
            keys, args = adding.words(self._place, seen, symbols=self._symbols, after=after)
            self._context.failpoint("decision_intelligence.before_catch_up")
            _send(link, "EVALSHA", scripting.load("count").sha1, len(keys), *keys, *args)
            following: list[RawEntry] = link.read_response()
            try:
                answer = link.read_response()
            except NoScriptError:
                # it says that nothing ran, so running it now is no repetition
                _send(link, *scripting.words("count", keys, args))
                answer = link.read_response()
            self._context.failpoint("decision_intelligence.after_catch_up")
            counted = adding.counted(answer)
            if counted is None:
                break  # another consumer was faster
            done += counted
            seen = following
            self._context.metrics.add("entries_total", counted)
            self._context.progress()
        return done

    def _look(self, link: Any, stands: str, size: int) -> None:
        _send(link, "XRANGE", self._place.stream, f"({stands}", "+", "COUNT", size)


def _send(link: Any, *words: str | int | bytes) -> None:
    link.send_packed_command(link.pack_command(*words))
