"""Real processes: killed at each failpoint, two sharing a group, one taken over meanwhile."""

import random
import signal
from collections import Counter

import pytest

from consumers.execution import FAILPOINTS
from consumers.trading import recording
from consumers.trading.recording import End, Records, Step
from streams import intents
from streams.outcomes import Outcome
from tests.execution.desk import (
    GROUP,
    STREAM,
    TRADING,
    add,
    pending,
    results,
    state,
    trading,
    wanted,
)
from tests.waiting import until

MODULE = "consumers.execution"
#: Those that an intent passes on paper: one that only reduces goes the long way, alone.
ON_PAPER = [each for each in FAILPOINTS if each.rpartition("_")[2] not in ("protect", "skip")]


def settled(client):
    info = {each["name"]: each for each in client.xinfo_groups(STREAM)}[GROUP]
    newest = client.xinfo_stream(STREAM)["last-generated-id"]
    return info["pending"] == 0 and info["last-delivered-id"] == newest


def ends(client):
    return Counter(each["identity"] for each in results(client))


@pytest.mark.parametrize("point", ON_PAPER)
def test_killed_at_its_point_it_leaves_each_intent_with_one_end(own_redis, consumer, point):
    client, server = own_redis.client(), own_redis
    eth = {"symbol": "ETHUSDT", "price": "100"}
    add(
        client,
        *[wanted(trace_id=f"t{n}", **eth) for n in range(90)],
        wanted(trace_id="less", side="SELL", reduce_only="true", quantity="0.05", **eth),
        *[wanted(trace_id=f"u{n}", **eth) for n in range(5)],
    )
    dying = consumer(
        server.port, module=MODULE, QUANTUM_FAILPOINTS=f"{point}=1*kill", **TRADING
    )  # fmt: skip
    assert dying.ended() == -signal.SIGKILL
    consumer(server.port, module=MODULE, **TRADING).ready()
    until(lambda: settled(client), what="the end")
    wanted_ends = [*(f"t{n}" for n in range(90)), "less", *(f"u{n}" for n in range(5))]
    assert ends(client) == Counter(wanted_ends)
    assert {each["state"] for each in results(client)} == {"FILLED"}
    assert client.hget("quantum:paper:position", "ETHUSDT") == "0.9"


def test_two_instances_share_the_work_and_kills_double_nothing(server, consumer):
    client = server.client()
    count = 1500
    chance = random.Random(server.kind)
    add(client, *[wanted(trace_id=f"t{n}", symbol="ETHUSDT", price="100") for n in range(count)])
    words = TRADING | {"BATCH_SIZE": "20"}
    running = {name: consumer(server.port, module=MODULE, CONSUMER_NAME=name, **words)
               for name in ("x-1", "x-2")}  # fmt: skip
    for n in range(4):
        until(lambda n=n: len(results(client)) >= count * n // 6, what="progress")
        name = chance.choice(sorted(running))
        running[name].kill()
        running[name] = consumer(server.port, module=MODULE, CONSUMER_NAME=name, **words)
    until(lambda: settled(client), what="the end")
    assert ends(client) == Counter([f"t{n}" for n in range(count)])
    assert client.hget("quantum:paper:position", "ETHUSDT") == "15"
    assert client.hget(intents.EXPOSURE, "inflight:ETHUSDT") is None


def test_who_was_taken_over_settles_nothing_any_more(server, client):
    """An old owner wakes up after its entry was claimed: its epoch is over."""
    (old, _), (new, work) = trading(server, name="old"), trading(server, name="new")
    (entry_id,) = add(client, wanted())
    client.execute_command("XREADGROUP", "GROUP", GROUP, "old", "STREAMS", STREAM, ">")
    records = Records(old, paper=True)
    of = {"identity": "t1", "stream_id": entry_id, "symbol": "BTCUSDT", "side": "BUY",
          "made_ms": "1", "reduce_only": "false", "quantity": "0.01"}  # fmt: skip
    (began,) = records.begin([Step(recording.CLAIMED, of)])
    client.xclaim(STREAM, GROUP, "new", 0, [entry_id])
    work.take([(entry_id, [word for pair in wanted().items() for word in pair])])
    assert state(client) == "FILLED"
    ((word, *_),) = records.finish([End(of, began.epoch, Outcome("FAILED", "too late"))])
    assert word == recording.STANDS
    assert state(client) == "FILLED"
    assert len(results(client)) == 1
    assert [each.word for each in records.begin([Step(recording.CLAIMED, of)])] == ["NOT_OURS"]
    assert pending(client) == 0
    assert new is not None


def test_check_config_says_one_line_and_exits_3(consumer, own_redis):
    bad = consumer(
        own_redis.port, module=MODULE, words=["--check-config"], EXCHANGE="binance_futures",
        **TRADING,
    )  # fmt: skip
    assert bad.ended() == 3
    assert bad.log.read_text().count("\n") == 1
