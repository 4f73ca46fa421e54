"""Execution's parts for tests: what is fed to it, who it is, what it left behind."""

import dataclasses
import json
import math
import time
from decimal import Decimal

from redis.exceptions import RedisError

from consumers.execution import Execution, place
from consumers.loop.failing import TransientError
from consumers.loop.reading import Reader, join
from consumers.loop.reclaiming import Reclaimer
from consumers.trading.settings import Settings
from streams import intents, keys
from tests.contexts import context

#: How often protective orders come to be looked at after all intents are settled.
LOOKS = 4
STREAM, GROUP = intents.STREAM_TRADE_INTENT, intents.GROUP_EXECUTION
RESULTS, APPLIED = intents.STREAM_EXECUTION_RESULT, intents.STREAM_APPLY_RESULT
#: What lets it trade, generously.
TRADING = {
    "QUANTUM_MODE": "testnet", "TRADING_ENABLED": "true", "SAFE_DRAIN": "false",
    "MAX_NOTIONAL_PER_ORDER_USD": 10**6, "MAX_NOTIONAL_PER_SYMBOL_USD": 10**8,
    "MAX_OPEN_POSITIONS": 1000, "MAX_ORDERS_PER_MINUTE": 10**6,
}  # fmt: skip


class Clock:
    """A clock that only waiting moves: it is now_ms, the steady clock and Stop in one."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.ms, self.stopped, self._then = time.time() * 1000, False, []

    def then(self, seconds, act):
        """Do something once so much has passed."""
        self._then.append((self.ms + 1000 * seconds, act))

    def now_ms(self):
        return int(self.ms)

    def steady(self):
        return self.ms / 1000

    def __bool__(self):
        return self.stopped

    def wait(self, seconds):
        self.ms += 1000 * seconds
        for due in [each for each in self._then if each[0] <= self.ms]:
            self._then.remove(due)
            due[1]()


def desk(server, exchange=None, name="one", clock=None, **settings):
    """Return a context and the work in it, joined to its group; on `exchange`, else its own."""
    clock = Clock() if clock is None else clock
    made = context(
        Settings, place, server.port, CONSUMER_NAME=name, now_ms=clock.now_ms, **settings
    )
    made = dataclasses.replace(made, stop=clock)
    join(made.client, made.place)
    return made, work(made, exchange, clock)


def work(made, exchange, clock):
    return Execution(made, exchange, clock.steady)


def trading(server, exchange=None, name="one", clock=None, **settings):
    """Return the same, which trades."""
    return desk(server, exchange, name, clock, **(TRADING | settings))


def settle(made, work, most_steps=600):
    """Let it do all that waits, as the loop would; only the clock of the test moves.

    It ends where nothing waits, nothing is pending, and no protective order is due.
    """
    reader = Reader(made.client, made.place)
    joined, looks = False, 0
    for _ in range(most_steps):
        try:
            if not joined:
                begin_again(made, reader)
                joined = True
            if work.held():
                made.stop.wait(1)
                continue
            if looks:
                # nothing new will come, and a read that waits takes a real tenth of a second
                made.stop.wait(3 if looks == 1 else 6)
                looks += 1
            elif entries := reader.next(work.size, work.own_size, 1):
                work.take(entries)
            elif reader.settled:
                looks = 1
            if looks > 1 + LOOKS:
                return
            if work.due_in_s() <= 0:
                work.tick("running")
        except (RedisError, TransientError):
            joined, looks = False, 0
            made.stop.wait(1)
    raise AssertionError(f"it did not come to rest in {most_steps} steps")


def begin_again(made, reader):
    """Join, take over from the dead, and read own pending from its beginning."""
    settings = dataclasses.replace(made.settings, claim_idle_ms=0)
    reclaimer = Reclaimer(dataclasses.replace(made, settings=settings), clock=lambda: math.inf)
    join(made.client, made.place)
    reader.start_over()
    while reclaimer.run():
        pass


def wanted(**more):
    """Return a plain intent's fields: 0.01 BTCUSDT to buy at 60000, made now."""
    fields = {
        "trace_id": "t1", "symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01",
        "price": "60000", "timestamp": f"{time.time():.3f}",
    }  # fmt: skip
    return {name: str(value) for name, value in (fields | more).items() if value is not None}


def add(client, *entries):
    """Feed entries; return their ids."""
    return [client.xadd(STREAM, fields) for fields in entries]


def record(client, identity="t1"):
    return client.hgetall(intents.record(identity))


def state(client, identity="t1"):
    return client.hget(intents.record(identity), "state")


def results(client):
    return [fields for _, fields in client.xrange(RESULTS)]


def applied(client):
    return [
        {**fields, "details": json.loads(fields["details"])} for _, fields in client.xrange(APPLIED)
    ]


def alerts(client):
    return [fields for _, fields in client.xrange(keys.ALERTS)]


def pending(client):
    return client.xpending(STREAM, GROUP)["pending"]


def dead(client):
    return [fields for _, fields in client.xrange(f"{STREAM}:dlq")]


def said(made, event):
    """Return the lines of the log that say `event`."""
    return [line for line in made.log.lines if line["event"].startswith(event)]


def position(client, symbol="BTCUSDT"):
    """Return what the guard reckons with, in base units."""
    return Decimal(client.hget(intents.EXPOSURE, f"position:{symbol}") or 0) / 10**8


def inflight(client, symbol="BTCUSDT"):
    """Return what is held in reserve, in USD."""
    return Decimal(client.hget(intents.EXPOSURE, f"inflight:{symbol}") or 0) / 10**6
