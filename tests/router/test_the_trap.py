"""The trap that the oracles of routing and execution stand on breaks where and how it is told."""

import pytest
from redis.exceptions import ConnectionError as LinkError

from tests.killing import (
    KILL_AFTER,
    KILL_BEFORE,
    LOST_REPLY,
    UNSENT,
    Killed,
    Trap,
    died,
    trapped,
)
from tests.router.routers import STREAM, router


def caught(server, plan):
    trap = Trap(plan)
    made, _ = router(server, REDIS_USERNAME="", REDIS_PASSWORD="")
    return trap, trapped(made, trap).client


@pytest.mark.parametrize(
    ("how", "error", "effects"),
    [
        (KILL_BEFORE, Killed, 1),
        (KILL_AFTER, Killed, 2),
        (UNSENT, LinkError, 1),
        (LOST_REPLY, LinkError, 2),
    ],
)
def test_a_command_breaks_before_or_after_its_effect(server, client, how, error, effects):
    trap, trapped_client = caught(server, {2: how})
    assert trapped_client.incr("n") == 1
    with pytest.raises(error):
        trapped_client.incr("n")
    assert client.get("n") == str(effects)
    assert trap.sprung == [(2, "INCRBY", how)]
    if error is Killed:
        with pytest.raises(Killed):
            trapped_client.ping()
        assert trap.visited == ["INCRBY", "INCRBY"]
    else:
        assert trapped_client.incr("n") == effects + 1


def test_each_command_of_a_pipeline_is_a_boundary_and_a_multi_is_one(server, client):
    trap, trapped_client = caught(server, {3: KILL_BEFORE})
    pipeline = trapped_client.pipeline(transaction=False)
    for _ in range(5):
        pipeline.incr("n")
    with died():
        pipeline.execute()
    assert client.get("n") == "2"
    assert trap.visited == ["INCRBY"] * 3

    trap, trapped_client = caught(server, {2: KILL_AFTER})
    pipeline = trapped_client.pipeline(transaction=True)
    for _ in range(5):
        pipeline.incr("n")
    pipeline.execute()
    with died():
        pipeline.incr("n").execute()
    assert trap.visited == ["MULTI", "MULTI"]
    assert client.get("n") == "8"


def test_a_link_that_is_written_and_read_by_hand_is_trapped_too(server, client):
    trap, trapped_client = caught(server, {1: LOST_REPLY})
    link = trapped_client.connection_pool.get_connection()
    with pytest.raises(LinkError):
        link.send_packed_command(link.pack_commands([("MULTI",), ("INCR", "n"), ("EXEC",)]))
    assert client.get("n") == "1"
    link.send_packed_command(link.pack_command("INCR", "n"))
    assert link.read_response() == 2
    assert trap.visited == ["MULTI", "INCR"]


def test_an_error_of_the_server_is_no_break(server, client):
    trap, trapped_client = caught(server, {1: LOST_REPLY})
    with pytest.raises(LinkError):
        trapped_client.execute_command("EVALSHA", "0" * 40, 0)
    assert trap.visited == ["EVALSHA"]
    assert client.exists(STREAM)


@pytest.mark.parametrize(
    ("how", "error", "done"),
    [
        (KILL_BEFORE, Killed, []),
        (KILL_AFTER, Killed, [1]),
        (UNSENT, OSError, []),
        (LOST_REPLY, OSError, [1]),
    ],
)
def test_what_is_sent_elsewhere_breaks_the_same_way(how, error, done):
    trap, effects = Trap({1: how}), []
    with pytest.raises(error):
        trap.around("place", lambda: effects.append(1), OSError)
    assert effects == done
    assert trap.visited == ["place"]
