"""START_AT=new: pass over what waits, once at the start, and keep a ledger of what was passed over.

First everything pending is settled. Where another consumer of the group lives nothing is skipped:
what waits is its work. What was skipped is taken back by feeding exactly that interval through a
group of its own, never by moving the group back.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from consumers.loop.context import Context
from consumers.trading.settings import Settings
from streams import groups, intents, keys, scripting
from streams.ids import id_key

#: How many ids stand in the ledger by name; the range and the count are always whole.
LISTED = 10_000
DONE, WAITING = "done", "waiting"


class Skipper:
    """Skips once; `waiting` says why it could not yet."""

    def __init__(self, context: Context[Settings]) -> None:
        self._context, self._client = context, context.client
        self._over = context.settings.start_at != "new"
        #: so that a lost reply does not skip twice
        self._token = secrets.token_hex(8)

    def waiting(self) -> str:
        """Skip if it is time; return why nothing new may be read yet, "" where it may.

        "" also while own entries are pending: they are read first, and new ones only after them.
        """
        if self._over:
            return ""
        place = self._context.place
        stands = groups.position(self._client, place.stream, place.group)
        if stands is None:
            return ""  # the loop will see it
        if self._client.xpending_range(place.stream, place.group, "-", "+", 1, place.consumer):
            return ""
        span = self._span(stands.last_delivered_id)
        self._context.failpoint("execution.before_skip")
        answer = scripting.run(
            self._client,
            "skip_backlog",
            [place.stream, place.status, intents.SKIPPED],
            [place.group, place.consumer, place.high_water, keys.heartbeat(place.group, ""),
             self._token, span["old_id"], span["new_id"],
             *(word for pair in span.items() for word in pair)],
        )  # fmt: skip
        self._context.failpoint("execution.after_skip")
        return self._heard(answer, span)

    def _span(self, old: str) -> dict[str, str | int]:
        """Return what waits up to now, for the ledger."""
        place = self._context.place
        newest = str(self._client.xinfo_stream(place.stream)["last-generated-id"])
        ids: list[str] = []
        count, last = 0, ""
        for each in groups.undelivered_ids(self._client, place.stream, old):
            if id_key(each) > id_key(newest):
                break
            count, last = count + 1, each
            if len(ids) < LISTED:
                ids.append(each)
            if count % groups.PAGE == 0:
                self._context.progress()
        return {
            "stream": place.stream,
            "group": place.group,
            "consumer": place.consumer,
            "old_id": old,
            "new_id": newest,
            "skipped": count,
            "first": ids[0] if ids else "",
            "last": last,
            "ids": json.dumps(ids),
            "ids_complete": "true" if len(ids) == count else "false",
            "when": self._context.now_ms(),
        }

    def _heard(self, answer: list[Any], span: dict[str, str | int]) -> str:
        log = self._context.log
        match answer:
            case ["SKIPPED", ledger_id]:
                self._over = True
                said = {
                    name: span[name] for name in ("old_id", "new_id", "skipped", "first", "last")
                }
                log.warning("skipped what waited: START_AT=new", ledger=ledger_id, **said)
                self._context.metrics.add("skipped_total", int(span["skipped"]))
            case ["DONE"]:
                self._over = True
                log.info("nothing waits to be skipped: START_AT=new")
            case ["OTHERS", name]:
                self._over = True
                log.warning("nothing skipped: what waits is the work of others", living=name)
            case ["PENDING", _]:
                return "START_AT=new waits for what dead consumers left pending"
            case _:
                return "START_AT=new: the group moved meanwhile, looking again"
        return ""
