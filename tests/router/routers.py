"""A router's parts for tests: where it stands, what is fed to it, what it left behind."""

import json
import time

from consumers.loop.reading import join
from consumers.strategy_router import Router, Settings, place
from tests.contexts import context

STREAM, GROUP = "quantum:stream:ai.decision.made", "router"
INTENTS, RESULTS = "quantum:stream:trade.intent", "quantum:stream:execution.result"
DEAD, STATUS = f"{STREAM}:dlq", "quantum:router:status"
DEDUP, RECORD = "quantum:dedup:trade_intent:", "quantum:intent:"
MODULE = "consumers.strategy_router"


def router(server, name="one", **settings):
    """Return a context and the work in it, joined to its group."""
    made = context(Settings, place, server.port, CONSUMER_NAME=name, **settings)
    join(made.client, made.place)
    return made, Router(made)


def decided(**more):
    """Return a plain decision's fields; `more` goes into its payload, ids into its envelope."""
    envelope = {
        "event_type": "ai.decision.made",
        "trace_id": more.pop("trace_id", ""),
        "correlation_id": more.pop("correlation_id", ""),
        "timestamp": more.pop("timestamp", f"{time.time():.3f}"),
        "source": "ai_engine",
    }
    payload = {"symbol": "BTCUSDT", "side": "buy", "quantity": 200.0, "entry_price": 97000.5}
    return {**envelope, "payload": json.dumps(payload | more)}


def add(client, *entries):
    """Feed entries; return their ids."""
    return [client.xadd(STREAM, fields) for fields in entries]


def take(made, count, name=None):
    """Let a router be given new entries, as it would read them."""
    words = ("XREADGROUP", "GROUP", GROUP, name or made.place.consumer, "COUNT", count)
    return made.client.execute_command(*words, "STREAMS", STREAM, ">")[0][1]


def intents(client):
    """Return the published intents: id -> fields, the payload read."""
    return {
        entry_id: {**fields, "payload": json.loads(fields["payload"])}
        for entry_id, fields in client.xrange(INTENTS)
    }


def reserved(client):
    """Return identity -> the intent's id that is kept under it."""
    keys = list(client.scan_iter(f"{DEDUP}*", count=1_000))
    return {key.removeprefix(DEDUP): client.get(key) for key in keys}


def pending(client):
    return client.xpending(STREAM, GROUP)["pending"]


def said(made, event):
    """Return the lines of the log that say `event`."""
    return [line for line in made.log.lines if line["event"].startswith(event)]
