"""Broken on purpose: acknowledges a decision, and then publishes its intent."""

import os
import sys

from consumers import strategy_router
from consumers.loop import running
from consumers.loop.giving_up import give_up
from streams import intents, routing
from streams.decision_made import intent_fields, normalise
from streams.trade_intent import Malformed


class AckFirst(strategy_router.Router):
    """At most once: what dies in between is lost."""

    def take(self, entries):
        client, place = self._context.client, self._context.place
        for entry_id, fields in entries:
            decision = normalise(entry_id, dict(zip(fields[::2], fields[1::2], strict=True)))
            if isinstance(decision, Malformed):
                give_up(self._context, entry_id, decision.reason)
                continue
            self._context.failpoint("router.before_route")
            client.xack(place.stream, place.group, entry_id)
            self._context.failpoint("router.after_route")
            key = routing.dedup(decision.identity)
            if client.set(key, "reserved", nx=True, ex=routing.DEDUP_TTL_S):
                intent_id = client.xadd(intents.STREAM_TRADE_INTENT, intent_fields(decision))
                client.set(key, intent_id, ex=routing.DEDUP_TTL_S)


if __name__ == "__main__":
    BROKEN = running.Consumer(
        "strategy_router", strategy_router.Settings, strategy_router.place, AckFirst
    )
    sys.exit(running.main(BROKEN, [], os.environ))
