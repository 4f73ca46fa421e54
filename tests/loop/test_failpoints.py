"""Failpoints: what a schedule says, what is refused, and a real process that dies at its point."""

import signal

import pytest
from redis.exceptions import ConnectionError as LinkError

from consumers.analytics.settings import Settings
from consumers.loop import settings
from consumers.loop.failing import StartError
from consumers.loop.failpoints import Task, at_visit, install, parse
from tests.loop.tally import GROUP, STREAM, TALLY
from tests.waiting import until


def test_a_schedule_is_read_point_by_point_and_task_by_task():
    assert parse("a.b=1*kill; c.d=2*off->delay(30)->exit") == {
        "a.b": [Task("kill", 1)],
        "c.d": [Task("off", 2), Task("delay", None, 30), Task("exit", None)],
    }
    assert parse("") == {}


@pytest.mark.parametrize(
    "text", ["kill", "a=kill", "a.b=die", "a.b=1*", "a.b=delay", "a.b=kill;a.b=stop", "a.b=x->kill"]
)
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match=r"points|tasks|each point once"):
        parse(text)


def test_visits_are_counted_along_the_chain():
    tasks = parse("a.b=2*off->1*kill->stop")["a.b"]
    assert [at_visit(tasks, visit).what for visit in range(1, 6)] == [
        "off", "off", "kill", "stop", "stop",
    ]  # fmt: skip
    assert at_visit(parse("a.b=1*kill")["a.b"], 2).what == "off"


def test_without_a_schedule_a_point_is_nothing():
    install("")("a.b")
    install("a.b=1*kill")("another.point")


def test_an_error_is_what_a_lost_link_is():
    visit = install("a.b=1*off->1*error")
    visit("a.b")
    with pytest.raises(LinkError, match=r"failpoint a\.b"):
        visit("a.b")
    visit("a.b")


def test_failpoints_are_refused_where_the_mode_is_live():
    given = {"QUANTUM_FAILPOINTS": "a.b=1*kill", "QUANTUM_MODE": "live"}
    with pytest.raises(StartError, match="refused where the mode is live"):
        settings.read(Settings, given)
    assert settings.read(Settings, {**given, "QUANTUM_MODE": "testnet"}).quantum_failpoints


@pytest.mark.parametrize("point", ["handler.before_settle", "handler.after_settle"])
def test_a_consumer_killed_at_its_point_leaves_an_entry_that_counts_once(server, consumer, point):
    client = server.client()
    dying = consumer(
        server.port, module="tests.loop.tally", QUANTUM_FAILPOINTS=f"{point}=1*off->1*kill"
    ).ready()
    for _ in range(5):
        client.xadd(STREAM, {"word": "a"})
    assert dying.ended() == -signal.SIGKILL
    consumer(server.port, module="tests.loop.tally").ready()
    until(lambda: client.hget(TALLY, "a") == "5")
    until(lambda: client.xpending(STREAM, GROUP)["pending"] == 0)
