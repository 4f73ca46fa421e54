"""What each service is fed, how it is started, and how its evidence is gathered."""

import dataclasses
import time
from collections.abc import Callable

from fault_injection import gathering
from fault_injection.gathering import Place
from fault_injection.workloads import apply_result, decision_made
from streams.intents import RECORD_PREFIX
from tests.execution import desk
from tests.gathering.running import COUNTING, EXECUTING, ROUTING
from tests.kill_matrix import tallying
from tests.oracles.scale import SOAK

#: Enough for a whole batch of catching up after the first one that is read.
BACKLOG = 700


@dataclasses.dataclass(frozen=True, kw_only=True)
class Service:
    place: Place
    module: str
    #: seed, count -> what it is fed; no trade is in two of them
    events: Callable
    #: whose replies are lost
    marks: tuple
    count: int = 40
    settings: dict = dataclasses.field(default_factory=dict)
    #: so many visits may pass by before the one that kills
    passes: int = 2
    #: who comes after the dead one
    heirs: tuple = ("host-1", "host-2")
    #: an event once more
    again: Callable = dict
    gathered: object = gathering
    #: client, seed -> whether more than the group is at rest
    rested: Callable = lambda _client, _seed: True


def decisions(seed, count):
    return list(decision_made.events(seed, count, int(time.time() * 1000)))


def results(seed, count):
    return list(apply_result.events(seed, count, int(time.time() * 1000)))


def intents(seed, count):
    """Buys, and among them sells that only reduce: these go the long way, alone."""
    made = []
    for n in range(count):
        less = n % 8 == 7
        made.append(desk.wanted(
            trace_id=f"{seed}-{n}", symbol="ETHUSDT", price="3000", quantity="0.1",
            side="SELL" if less else "BUY", reduce_only="true" if less else None,
        ))  # fmt: skip
    made.append(desk.wanted(trace_id=f"{seed}-bad", side="up"))
    return made


def sent(seed, count):
    """Buys, and one that closes what they bought."""
    made = protected(seed, count)
    for each in made:
        del each["stop_loss"]
    made[count // 2] |= {"side": "FLAT", "reduce_only": "true"}
    del made[count // 2]["quantity"]
    return made


def protected(seed, count):
    return [
        desk.wanted(trace_id=f"{seed}-{n}", quantity="0.01", price="60000", stop_loss="50000")
        for n in range(count)
    ]  # fmt: skip


ROUTER = Service(
    place=ROUTING, module="consumers.strategy_router", events=decisions, marks=("route", "read"),
    settings={"BATCH_SIZE": 8},
)  # fmt: skip
EXECUTION = Service(
    place=EXECUTING, module="consumers.execution", events=intents, marks=("finish", "begin"),
    settings=desk.TRADING | {"BATCH_SIZE": 8},
)  # fmt: skip
SKIPPING = dataclasses.replace(
    EXECUTION, settings=EXECUTION.settings | {"START_AT": "new"}, passes=0,
    marks=("skip_backlog",),
)  # fmt: skip
COUNTER = Service(
    place=COUNTING, module="consumers.decision_intelligence", events=results,
    marks=("count", "read"), settings={"BATCH_SIZE": 8},
)  # fmt: skip
CATCHING_UP = dataclasses.replace(
    COUNTER, count=BACKLOG, settings={"BATCH_SIZE": 100}, marks=("count",)
)
HANDLER = Service(
    place=tallying.PLACE, module="tests.loop.tally", events=tallying.words,
    marks=("settle", "read"), settings={"BATCH_SIZE": 8}, again=tallying.again,
    gathered=tallying,
)  # fmt: skip

BY_PREFIX = {
    "router": ROUTER, "execution": EXECUTION, "decision_intelligence": COUNTER,
    "handler": HANDLER,
}  # fmt: skip


def on_an_exchange(simulator, service=EXECUTION, **more):
    """Return the executor that trades at the simulated exchange, whose calls are over soon."""
    settings = service.settings | {
        "EXCHANGE": "binance_futures", "EXCHANGE_URL": simulator.url,
        "EXCHANGE_API_KEY": simulator.key, "EXCHANGE_API_SECRET": simulator.secret,
        "EXCHANGE_TIMEOUT_S": 2, "CLOCK_SKEW_MS": 100, "PROTECTION_EVERY_S": "0.2",
    }  # fmt: skip
    place = dataclasses.replace(service.place, exchange=simulator.url)
    return dataclasses.replace(service, place=place, settings=settings, **more)


def of(case, simulator):
    """Return how a case's point is visited, None where nobody knows a service of that name."""
    service, _, name = case.point.partition(".")
    if case.there and name.endswith("protect"):
        # another one would wait until the dead one's lease has run out, 20 s
        heirs = ("host-1", "host-2") if SOAK else ("host-1",)
        return on_an_exchange(
            simulator, events=protected, count=4, rested=all_protected, heirs=heirs
        )
    if case.there:
        return on_an_exchange(simulator, events=sent, count=6)
    if service == "execution" and name.endswith("skip"):
        return SKIPPING
    if name.endswith("catch_up"):
        return CATCHING_UP
    return BY_PREFIX.get(service)


def all_protected(client, seed):
    """Tell whether each stop loss of these rests; a later trade may close what others protect."""
    keys = list(client.scan_iter(match=f"{RECORD_PREFIX}{seed}-*", count=5_000))
    records = [client.hmget(key, "state", "stop_loss_state") for key in keys]
    return all(rests == "RESTING" for state, rests in records if state == "FILLED")
