"""Commands as MONITOR tells them: what they show, what they do not, and where the link breaks."""

import socket
import time

import pytest
import redis

from consumers.trading.recording import End, Records, Step
from fault_injection import gathering
from fault_injection.checkers import judge
from fault_injection.gathering import monitor
from fault_injection.history import happenings as h
from harness.links.redis_link import redis_through
from proofs.finding import Verdict
from streams import intents
from streams.outcomes import Outcome
from tests.execution import desk
from tests.gathering.broken_ack_first import AckFirst
from tests.gathering.running import COUNTING, EXECUTING, PLACES, ROUTING, Told, gathered
from tests.router.routers import add, decided, router, take
from tests.waiting import until


class Watched:
    """A watch over some flows, and the run that it is of."""

    def __init__(self, client, *places):
        self.client, self.places, self.told = client, places, Told()
        self.watch = gathering.Watch(client, places)
        self.watch.begin()
        self.opened = {place.flow: gathering.opened(client, place) for place in places}

    def judged(self):
        self.watch.end()
        self.lines = self.watch.lines(self.opened)
        self.told.say(*self.lines)
        for place in self.places:
            seen = self.watch.evidence(place, self.opened[place.flow])
            self.told.say(gathering.flow(place, *seen, fed_by_others=True))
        return judge(self.told.history(*gathered(self.client, self.opened, self.places)))


@pytest.fixture
def watched(client):
    made = []

    def begin(*places):
        made.append(Watched(client, *places))
        return made[-1]

    yield begin
    for each in made:
        each.watch.end()


def test_a_router_that_acknowledges_first_is_refuted(server, client, watched):
    made, work = router(server)
    run = watched(ROUTING)
    # whatever falls into one millisecond is told apart by nobody
    add(client, *(decided(trace_id=f"t{n}") for n in range(300)))
    AckFirst(made).take(take(made, 300))
    findings = run.judged().findings
    assert findings["ack_after_effect"].verdict is Verdict.refuted
    assert findings["lost"].verdict is Verdict.proved
    assert work


def test_scripts_acknowledge_after_their_effects_and_dead_letters(server, client, watched):
    routing, route = router(server)
    trading, trade = desk.trading(server)
    add(client, decided(trace_id="before"), decided(trace_id="before, too"))
    route.take(take(routing, 1))
    run = watched(ROUTING, EXECUTING)
    add(client, decided(trace_id='q"\\\nq'), decided(trace_id="ß"), decided(side="up"))
    route.take(take(routing, 9))
    desk.settle(trading, trade)
    findings = run.judged().findings
    assert findings["lawful_transitions"].verdict is Verdict.proved
    assert findings["lawful_transitions"].numbers["changes"] == 3
    assert findings["ack_after_effect"].verdict is Verdict.proved
    assert {each.identity for each in run.lines if isinstance(each, h.State)} == {
        'q"\\\nq',
        "ß",
        "before, too",
    }
    acks = [each for each in run.lines if isinstance(each, h.Ack)]
    routed = {each.entry for each in acks if each.flow == ROUTING.flow}
    assert routed == {entry for entry, _ in client.xrange(ROUTING.stream)[2:]}


def test_an_unlawful_change_of_a_record_is_refuted(server, client, watched):
    made, work = desk.trading(server)
    run = watched(EXECUTING)
    desk.add(client, desk.wanted())
    desk.settle(made, work)
    client.hset(intents.record("t1"), mapping={"x": "state", "state": "REJECTED"})
    assert run.judged().findings["lawful_transitions"].verdict is Verdict.refuted


def test_a_repetition_may_go_while_the_first_is_under_way(server, client, watched):
    made, _ = desk.trading(server)
    run = watched(EXECUTING)
    first, second = desk.add(client, desk.wanted(), desk.wanted())
    of = {"identity": "t1", "symbol": "BTCUSDT", "side": "BUY", "made_ms": "1",
          "reduce_only": "false", "quantity": "0.01"}  # fmt: skip
    client.xreadgroup(EXECUTING.group, "one", {EXECUTING.stream: ">"})
    records = Records(made, paper=False)
    began = records.begin([Step("CLAIMED", of | {"stream_id": first}),
                           Step("CLAIMED", of | {"stream_id": second})])  # fmt: skip
    assert [each.word for each in began] == ["CLAIMED", "DUPLICATE"]
    time.sleep(0.002)
    records.finish([End(of | {"stream_id": first}, began[0].epoch, Outcome("REJECTED", "test"))])
    assert run.judged().findings["ack_after_effect"].verdict is Verdict.proved


def test_where_the_link_breaks_the_promise_is_taken_back(server, client, watched):
    made, work = router(server)
    run = watched(*PLACES)
    assert run.watch.evidence(ROUTING, run.opened[ROUTING.flow]) == (h.CLAIMS, h.ACKS)
    assert run.watch.evidence(COUNTING, run.opened[COUNTING.flow]) == (h.CLAIMS,)
    add(client, decided())
    for each in client.client_list():
        if each["cmd"] == "monitor":
            client.client_kill_filter(_id=each["id"])
    until(lambda: run.watch.broken, what="the break")
    work.take(take(made, 9))
    found = run.judged()
    assert "ack_after_effect" in found.not_asked
    assert "lawful_transitions" in found.not_asked
    assert "claims_from_the_dead" in found.not_asked
    assert "broke off" in run.watch.broken


def test_nobody_watches_where_there_is_no_redis():
    watch = gathering.Watch(redis.Redis(port=1), PLACES)
    watch.begin()
    watch.end()
    assert "nobody can watch" in watch.broken


def test_a_server_with_a_password_is_watched(own_redis):
    own_redis.client().execute_command("ACL", "SETUSER", "watcher", "on", ">word", "+@all", "~*")
    at = {"port": own_redis.port, "username": "watcher"}
    for password, broken in (("word", False), ("wrong", True)):
        watch = gathering.Watch(redis.Redis(**at, password=password), PLACES)
        watch.begin()
        assert bool(watch.broken) is broken
        watch.end()
        assert bool(watch.broken) is broken


def test_only_what_is_wanted_is_read():
    said = b'+1795293090.507165 [0 lua] "xack" "s" "g" "1-1" "2-2"'
    assert monitor.wanted(said)[:3] == (1795293090507165000, "XACK", ["s", "g", "1-1", "2-2"])
    assert monitor.wanted(b'+1.000000 [0 lua] "HSET" "other" "state" "X"') is None
    assert monitor.wanted(b'+1.000000 [0 1.2.3.4:5] "SET" "x" "\\"XACK\\" \\"a\\""') is None
    odd = b'+1.000000 [0 lua] "HSET" "quantum:intent:\\"\\\\\\xc3\\x9f\\n" "state" "FILLED"'
    assert monitor.wanted(odd).words[0] == 'quantum:intent:"\\ß\n'
    assert monitor.wanted(b"") is None


def test_what_a_script_adds_after_its_acknowledgement_is_no_later():
    acked = b'+1.000100 [0 lua] "XACK" "s" "g" "1-1"'
    script = [b'+1.000000 [0 1.2.3.4:5] "EVALSHA" "0"', acked]
    after = b'+1.009000 [0 1.2.3.4:5] "PING"'

    def told(*lines):
        heard = monitor.Script()
        return [each.wall_ns for line in lines for each in heard.heard(line)]

    assert told(*script, b'+1.000200 [0 lua] "XADD" "dlq" "*"', after) == [1_009_000_000]
    assert told(*script, b'+1.000200 [0 lua] "HSET" "x" "y" "z"', after) == [1_000_100_000]
    assert told(script[0], b'+1.000050 [0 lua] "XADD" "s" "*"', acked, after) == [1_000_100_000]
    assert told(acked.replace(b"lua", b"1.2.3.4:5"), after) == [1_000_100_000]
    assert told(*script) == []


class Near:
    """A link to a host that is this one."""

    def dial(self, host, port):
        return socket.create_connection((host, port))


def test_a_redis_behind_a_link_is_watched_through_it(server, client):
    watch = gathering.Watch(redis_through(Near(), "127.0.0.1", server.port), [ROUTING])
    watch.begin()
    opened = {ROUTING.flow: gathering.opened(client, ROUTING)}
    (entry,) = add(client, decided())
    client.xack(ROUTING.stream, ROUTING.group, entry)
    watch.end()
    assert [each.entry for each in watch.lines(opened)] == [entry]
    assert watch.broken == ""
