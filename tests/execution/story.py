"""A short day at the desk, which is broken anywhere and must end as if it had not been."""

import time

from consumers.exchanges import OutcomeUnknown
from streams import intents
from tests.execution import desk
from tests.execution.judging import findings, unprotected
from tests.killing import Killed, Trap, trapped

METHODS = ("place", "find", "cancel", "set_leverage", "quantity", "price", "position")
BTC_LEFT = "s1"


class TrappedExchange:
    """The exchange behind a trap: each call that goes there is a boundary."""

    def __init__(self, exchange, trap):
        self._exchange, self._trap = exchange, trap
        self.name, self.instant = exchange.name, exchange.instant
        self.validity_ms = exchange.validity_ms

    def __getattr__(self, name):
        act = getattr(self._exchange, name)
        if name not in METHODS:
            return act

        def call(*words, **more):
            return self._trap.around(
                f"exchange.{name}", lambda: act(*words, **more), error=OutcomeUnknown
            )

        return call


def fed():
    """Return a day's entries, each with its identity ("" for a dead letter)."""
    old = f"{time.time() - 3600:.3f}"
    protected = {"leverage": 5, "stop_loss": "59000", "take_profit": "62000"}
    flat = {"side": "FLAT", "quantity": None, "reduce_only": "true", "symbol": "ETHUSDT"}
    return [
        (desk.wanted(trace_id="s1", **protected), "s1"),
        (desk.wanted(trace_id="s1", **protected), "s1"),
        (desk.wanted(trace_id="s2", symbol="ETHUSDT", side="SELL", quantity="0.1", price="3000",
                     stop_loss="3100"), "s2"),
        (desk.wanted(trace_id="s3", **flat, price="3000"), "s3"),
        (desk.wanted(trace_id="s4", canary="true"), "s4"),
        (desk.wanted(trace_id="s5", timestamp=old), "s5"),
        (desk.wanted(trace_id="s6", quantity="-1"), ""),
        (desk.wanted(trace_id="s7", symbol="ETHUSDT", quantity="0.001", price="3000"), "s7"),
    ]  # fmt: skip


def run(server, exchange, clock, plan, *, simulator=None, heir="one", wrong="", **more):
    """Live through the day, broken as planned; return the trap and what was fed (id -> identity).

    exchange: None for paper. heir: who comes after a kill, the same name or another. wrong: what
    the exchange does with the first entry, in the simulator's words; what is late lands after three
    seconds.
    """
    client = server.client()
    client.flushall()
    clock.reset()
    if simulator is not None:
        simulator.reset()
        if wrong:
            simulator.misbehave(wrong, on="entry")
        clock.then(3, simulator.release)
    day = {client.xadd(desk.STREAM, fields): identity for fields, identity in fed()}
    trap = Trap(plan)
    made, _ = desk.trading(server, exchange, clock=clock, **more)
    broken = trapped(made, trap)
    try:
        behind = TrappedExchange(exchange, trap) if exchange is not None else None
        desk.settle(broken, desk.work(broken, behind, clock))
    except Killed:
        after, work = desk.trading(server, exchange, name=heir, clock=clock, **more)
        desk.settle(after, work)
    return trap, day


def judge_paper(server, day):
    """Return all that is wrong after a day on paper."""
    client = server.client()
    found = [f"{desk.pending(client)} are pending"] if desk.pending(client) else []
    ends = sorted((each["identity"], each["state"]) for each in desk.results(client))
    filled = [(each, "FILLED") for each in ("s1", "s2", "s3", "s7")]
    expected = sorted([*filled, ("s4", "DRAINED"), ("s5", "EXPIRED")])
    if ends != expected:
        found.append(f"told {ends}")
    states = [(each, desk.state(client, each)) for each, _ in expected]
    if states != expected:
        found.append(f"kept {states}")
    book = client.hgetall("quantum:paper:position")
    if book != {"BTCUSDT": "0.01", "ETHUSDT": "0.001"}:
        found.append(f"the book has {book}")
    if len(desk.dead(client)) != 1:
        found.append(f"{len(desk.dead(client))} dead letters")
    for leg, state in (("stop_loss", "GONE"), ("take_profit", None)):
        if client.hget(intents.record("s2"), f"{leg}_state") != state:
            found.append(f"{leg} of s2 is not {state}")
    found += [f"{each} of {day} is in flight" for each in ("BTCUSDT", "ETHUSDT")
              if desk.inflight(client, each)]  # fmt: skip
    return found


def judge(server, simulator, day):
    """Return all that is wrong after a day."""
    client = server.client()
    found = findings(client, simulator, day)
    if desk.state(client, BTC_LEFT) != intents.UNKNOWN:
        found += [f"{leg} of {BTC_LEFT} rests nowhere"
                  for leg in unprotected(client, simulator, BTC_LEFT)]  # fmt: skip
    states = {identity: desk.state(client, identity) for identity in day.values() if identity}
    expected = {"s1": "FILLED", "s2": "FILLED", "s3": "FILLED", "s4": "DRAINED", "s5": "EXPIRED",
                "s7": "REJECTED"}  # fmt: skip
    found += [f"{identity} is {states[identity]} and not {wanted}"
              for identity, wanted in expected.items()
              if states[identity] not in (wanted, intents.UNKNOWN)]  # fmt: skip
    return found
