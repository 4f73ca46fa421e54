"""Flows that are not at rest, a run after another, refusals, what was passed over, an exchange."""

import signal
import time
from decimal import Decimal

import pytest

from consumers.exchanges import Order
from consumers.loop.writing import as_json
from fault_injection import gathering
from fault_injection.checkers import judge
from fault_injection.gathering import Place, telling
from fault_injection.history import happenings as h
from fault_injection.workloads import decision_made
from harness.errors import HistoryError
from proofs.finding import Verdict
from streams import intents
from streams.intents import client_order_id
from tests.execution import desk
from tests.gathering.running import (
    COUNTING,
    EXECUTING,
    MODULES,
    ROUTING,
    SETTINGS,
    Told,
    at_rest,
    gathered,
)
from tests.router.routers import add, decided, router, take
from tests.waiting import until

#: They look at more than one flow, or need what no Redis keeps.
MISSING = {"not_vacuous", "steady_state", "recovery", "latency", "group_goes_forward"}


def judged(client, opened, places, told=None, **more):
    """Return each checker's verdict on what the end shows."""
    told = told or Told()
    fed = told.operations == 0
    told.say(*(gathering.flow(place, fed_by_others=fed, **more) for place in places))
    lines = gathered(client, opened, places)
    findings = judge(told.history(*lines)).findings
    return {name: each for name, each in findings.items() if name not in MISSING}


def beginnings(client, *places):
    return {place.flow: gathering.opened(client, place) for place in places}


def well(findings):
    return {name: each for name, each in findings.items() if each.verdict is not Verdict.proved}


def refuted(findings):
    return {name for name, each in findings.items() if each.verdict is Verdict.refuted}


def test_amid_traffic_nothing_is_refuted(own_redis, consumer):
    client = own_redis.client()
    places = (COUNTING, ROUTING, EXECUTING)
    opened = beginnings(client, *places)
    events = list(decision_made.events(3, 300, int(time.time() * 1000)))
    pipeline = client.pipeline(transaction=False)
    for fields in events:
        pipeline.xadd(ROUTING.stream, fields)
    for place in places:
        settings = SETTINGS[place.flow] | {"BATCH_SIZE": 5}
        executor = consumer(own_redis.port, module=MODULES[place.flow], **settings).ready()
    executor.signal(signal.SIGSTOP)
    pipeline.execute()
    looks = []

    def look():
        amid = not at_rest(client)
        looks.append((amid, refuted(judged(client, opened, places))))
        executor.signal(signal.SIGCONT)
        return not amid

    until(look, what="the end")
    assert [each for _, each in looks] == [set()] * len(looks)
    assert looks[0][0]
    assert well(judged(client, opened, places)) == {}


def test_what_waits_is_in_its_place(server, client):
    made, _ = router(server)
    opened = beginnings(client, ROUTING)
    ids = add(client, *(decided(trace_id=f"t{n}") for n in range(5)))
    take(made, 2)
    found = list(gathering.ended(client, ROUTING, opened[ROUTING.flow]))
    assert found[-1] == h.Snapshot(
        flow=ROUTING.flow, last_delivered_id=ids[1], pending=tuple(ids[:2]),
        undelivered=tuple(ids[2:]),
    )  # fmt: skip
    assert well(judged(client, opened, [ROUTING])) == {}
    client.xack(ROUTING.stream, ROUTING.group, ids[0])
    assert {"lost", "conservation"} <= refuted(judged(client, opened, [ROUTING]))


def test_a_group_that_is_gone_leaves_all_in_doubt(server, client):
    made, work = router(server)
    opened = beginnings(client, ROUTING)
    add(client, decided(trace_id="t1"))
    work.take(take(made, 1))
    assert [type(each) for each in gathering.sampled(client, [ROUTING])] == [h.Position, h.Sample]
    client.xgroup_destroy(ROUTING.stream, ROUTING.group)
    assert judged(client, opened, [ROUTING])["lost"].verdict is Verdict.unknown
    gone = [h.Position(flow=ROUTING.flow, last_delivered_id="")]
    assert gathering.sampled(client, [ROUTING]) == gone
    client.delete(ROUTING.stream)
    assert gathering.sampled(client, [ROUTING]) == gone


def test_a_moved_group_is_told_and_lag_is_counted_where_redis_does_not_know_it(server, client):
    made, _ = router(server)
    ids = add(client, *(decided(trace_id=f"t{n}") for n in range(5)))
    take(made, 2)
    client.xdel(ROUTING.stream, ids[3])
    client.hset(made.place.status, made.place.moved, "from 5 back to 3")
    assert gathering.sampled(client, [ROUTING])[1:] == [
        h.Sample(flow=ROUTING.flow, lag=2, pending=2),
        h.Told(flow=ROUTING.flow, what=h.GROUP_MOVED, said="from 5 back to 3"),
    ]


def test_a_trade_of_an_earlier_run_settles_its_repetition(server, client):
    made, work = router(server, RATE_LIMIT_PER_SYMBOL=1)
    before = [decided(trace_id="t1"), decided(trace_id="refused"), decided(trace_id="waits")]
    add(client, *before)
    work.take(take(made, 2))
    opened = beginnings(client, ROUTING)
    told = Told()
    told.feed(client, ROUTING, [before[0], before[1], decided(trace_id="t1", symbol="SOLUSDT")])
    work.take(take(made, 9))
    assert well(judged(client, opened, [ROUTING], told)) == {}
    client.xadd(EXECUTING.stream, client.xrange(EXECUTING.stream)[0][1])
    assert "duplicated" in refuted(judged(client, opened, [ROUTING], told))


def test_what_waited_as_the_run_began_is_no_part_of_it(server, client):
    """Neither an intent, nor a count, nor an order, nor a dead letter of it."""
    routing, route = router(server)
    trading, trade = desk.trading(server)
    add(client, decided(trace_id="old"), decided(trace_id="poison", side="up"))
    desk.add(client, desk.wanted(trace_id="old order"), desk.wanted(trace_id="bad", side="up"))
    places = (ROUTING, EXECUTING)
    opened = beginnings(client, *places)
    told = Told()
    told.feed(client, ROUTING, [decided(trace_id="new")])
    told.feed(client, EXECUTING, [desk.wanted(trace_id="new order")])
    route.take(take(routing, 9))
    desk.settle(trading, trade)
    told.say(gathering.flow(ROUTING), gathering.flow(EXECUTING, fed_by_others=True))
    lines = gathered(client, opened, places)
    assert well({name: each for name, each in judge(told.history(*lines)).findings.items()
                 if name not in MISSING}) == {}  # fmt: skip
    # the router's own are executed, too
    assert {e.identity for e in lines if isinstance(e, h.Effect)} == {"new", "old", "new order"}
    assert not [each for each in lines if isinstance(each, h.DeadLetter)]


def test_a_refusal_is_an_end(server, client):
    made, work = router(server, RATE_LIMIT_PER_SYMBOL=1)
    opened = beginnings(client, ROUTING)
    add(client, decided(trace_id="t1"), decided(trace_id="t2"))
    work.take(take(made, 9))
    found = list(gathering.ended(client, ROUTING, opened[ROUTING.flow]))
    [end] = [each for each in found if isinstance(each, h.Terminal)]
    assert (end.identity, end.state) == ("t2", "REJECTED")
    assert well(judged(client, opened, [ROUTING])) == {}
    client.delete(intents.STREAM_EXECUTION_RESULT)
    assert "lost" in refuted(judged(client, opened, [ROUTING]))


def test_what_start_at_new_passes_over_is_told(server, client):
    opened = beginnings(client, EXECUTING)
    desk.add(client, *(desk.wanted(trace_id=f"t{n}") for n in range(3)))
    made, work = desk.trading(server, START_AT="new")
    desk.settle(made, work)
    desk.add(client, desk.wanted(trace_id="after"))
    desk.settle(made, work)
    findings = judged(client, opened, [EXECUTING])
    assert well(findings) == {}
    assert findings["lost"].numbers["told"] == ["t0", "t1", "t2"]
    client.delete(intents.SKIPPED)
    assert "lost" in refuted(judged(client, opened, [EXECUTING]))


def test_the_exchanges_own_record_shows_its_orders(server, client, simulator, binance, clock):
    place = Place(
        flow=EXECUTING.flow, stream=EXECUTING.stream, group=EXECUTING.group, trades=True,
        exchange=simulator.url,
    )  # fmt: skip
    made, work = desk.trading(server, binance, clock=clock)
    desk.add(client, desk.wanted(trace_id="before"))
    desk.settle(made, work)
    opened = beginnings(client, place)
    assert opened[place.flow].order_id > 0
    desk.add(
        client, desk.wanted(trace_id="t1", stop_loss="59000"), desk.wanted(trace_id="before"),
        desk.wanted(side="FLAT", trace_id="t2", quantity=None, reduce_only="true"),
    )  # fmt: skip
    desk.settle(made, work)
    found = list(gathering.ended(client, place, opened[place.flow]))
    effects = {(each.identity, each.leg): each.outcome for each in found
               if isinstance(each, h.Effect)}  # fmt: skip
    assert effects == {
        ("before", "entry"): "FILLED", ("t1", "entry"): "FILLED", ("t2", "entry"): "FILLED",
        ("t1", "stop_loss"): "CANCELED",
    }  # fmt: skip
    assert well(judged(client, opened, [place])) == {}
    # sent once more, as by a consumer that does not ask
    order = Order(client_order_id("t1"), "BTCUSDT", "BUY", Decimal("0.01"))
    binance.place(order)
    assert "duplicated" in refuted(judged(client, opened, [place]))
    binance.place(order._replace(client_order_id=client_order_id("nobody")))
    assert "unexpected" in refuted(judged(client, opened, [place]))


def test_an_exchange_that_cannot_be_asked_is_named(server, client):
    place = Place(
        flow=EXECUTING.flow, stream=EXECUTING.stream, group=EXECUTING.group, trades=True,
        exchange="http://127.0.0.1:1",
    )  # fmt: skip
    with pytest.raises(HistoryError, match="does not show its orders"):
        gathering.opened(client, place)


def test_what_was_trimmed_away_is_told_by_the_log(server, client):
    made, work = router(server)
    opened = beginnings(client, ROUTING)
    told = Told()
    gone, _ = told.feed(client, ROUTING, [decided(trace_id="gone"), decided(trace_id="here")])
    (first, second) = take(made, 2)
    client.xdel(ROUTING.stream, gone)
    work.take([(first[0], None), second])
    assert "lost" in refuted(judged(client, opened, [ROUTING], told))
    log = [as_json(each).decode() for each in made.log.lines]
    found = list(telling.told([ROUTING], ["LOST", "{}", '{"event": "LOST"}', *log]))
    assert [(each.flow, each.what, each.entry) for each in found] == [(ROUTING.flow, h.LOST, gone)]
    told.say(h.Removed(stream=ROUTING.stream, entry=gone), *found)
    assert well(judged(client, opened, [ROUTING], told)) == {}
