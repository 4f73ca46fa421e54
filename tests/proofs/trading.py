"""Stand-ins for router and execution that settle entries as the real ones do, or with one fault."""

from __future__ import annotations

import json

from proofs.scene import Flow
from streams import intents, routing
from streams.decision_made import intent_fields
from streams.decision_made import normalise as decision_of
from streams.trade_intent import Malformed
from streams.trade_intent import normalise as intent_of

DECISIONS, INTENTS = "quantum:stream:ai.decision.made", "quantum:stream:trade.intent"
RESULTS = "quantum:stream:execution.result"
ROUTING = Flow("ai-strategy-router", DECISIONS, "router")
EXECUTING = Flow("execution", INTENTS, "quantum:group:execution:trade.intent")


def decision(trace, at_ms=None, **payload):
    words = {"symbol": "BTCUSDT", "side": "buy", "quantity": 100, "entry_price": 10, **payload}
    return {"payload": json.dumps(words), "trace_id": trace, "timestamp": str(at_ms or "")}


class StandIn:
    """Reads everything new and settles it; `fault` is what it does wrong to those it names."""

    def __init__(self, client, flow, fault="", of="canary"):
        self.client, self.flow, self.fault, self.of = client, flow, fault, of
        client.xgroup_create(flow.stream, flow.group, id="0", mkstream=True)

    def __call__(self):
        found = self.client.xreadgroup(self.flow.group, "c", {self.flow.stream: ">"}, 1000)
        for _, entries in found:
            for entry, fields in entries:
                words = {name.decode(): value.decode() for name, value in fields.items()}
                self.settle(entry.decode(), words)

    def fails(self, fault, identity):
        return self.fault == fault and identity.startswith(self.of)

    def settle(self, entry, fields):
        if self.fault == "hangs":
            return
        read = decision_of(entry, fields) if self.flow is ROUTING else intent_of(entry, fields)
        if isinstance(read, Malformed):
            if self.fault != "drops letters":
                self.give_up(entry, read.reason)
        elif self.fails("gives up", read.identity):
            self.give_up(entry, "bad_json:no object")
        elif not self.fails("swallows", read.identity):
            self.effect(entry, read)
        if not self.fails("never acknowledges", getattr(read, "identity", "")):
            self.client.xack(self.flow.stream, self.flow.group, entry)

    def give_up(self, entry, reason):
        self.client.xadd(f"{self.flow.stream}:dlq", {"original_id": entry, "reason": reason})


class Router(StandIn):
    def __init__(self, client, fault="", of="canary"):
        super().__init__(client, ROUTING, fault, of)

    def effect(self, entry, read):
        key, fields = routing.dedup(read.identity), intent_fields(read)
        if self.client.exists(key) and not self.fails("doubles", read.identity):
            return
        if self.fails("changes the side", read.identity):
            fields["payload"] = fields["payload"].replace("BUY", "SELL")
        if self.fails("forgets the mark", read.identity):
            fields["payload"] = fields["payload"].replace(', "canary": true', "")
        if self.fails("key alone", read.identity):
            self.client.set(key, f"{entry.partition('-')[0]}-999")
            return
        made = self.client.xadd(INTENTS, fields)
        if self.fails("doubles", read.identity):
            made = self.client.xadd(INTENTS, fields)
        if not self.fails("no key", read.identity):
            self.client.set(key, made, ex=86_400)


class Executor(StandIn):
    def __init__(self, client, fault="", of="canary", state=intents.DRAINED):
        super().__init__(client, EXECUTING, fault, of)
        self.state = state

    def effect(self, entry, read):
        key, name = intents.record(read.identity), read.identity
        if self.client.exists(key):
            return
        state, record = self.state, {"stream_id": entry, "updated_ms": 1, "reason": ""}
        for fault, other in (
            ("trades", "FILLED"), ("knows nothing", "UNKNOWN"), ("stays", "SUBMITTING"),
        ):  # fmt: skip
            state = other if self.fails(fault, name) else state
        told = state if not self.fails("tells another state", name) else "FAILED"
        if state == "FILLED":
            order = {"symbol": read.symbol, "side": "BUY", "status": "FILLED"}
            order_id = intents.client_order_id(name)
            record["exchange_order_id"] = f"paper-{order_id}"
            if not self.fails("claims a fill", name):
                self.client.hset(f"quantum:paper:order:{order_id}", mapping=order)
        if state in intents.TERMINAL and not self.fails("tells nobody", name):
            for _ in range(2 if self.fails("tells twice", name) else 1):
                result = self.client.xadd(RESULTS, {"identity": name, "state": told})
                record["result_id"] = result
        if self.fails("hides an order", name):
            order_id = intents.client_order_id(name)
            self.client.hset(f"quantum:paper:order:{order_id}", "status", "FILLED")
        if not self.fails("keeps no record", name):
            self.client.hset(key, mapping={**record, "state": state})
