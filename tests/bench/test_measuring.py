"""The bench refuses to print a number for work that was not done. No test asserts a duration."""

import sys

import pytest

from bench import programs, reference, servers, traffic
from bench.contestants import Contestant, ours
from bench.failing import CannotMeasureError
from bench.peers import counting
from bench.topics import throughput
from tests.needing import not_tested
from tests.servers import binary

MANY = 1_000


@pytest.fixture
def server():
    if binary("redis") is None:
        not_tested("no redis-server on this machine")
    with servers.running("redis") as made:
        yield made


@pytest.fixture
def stream(server):
    traffic.load(server.port, "s", traffic.simple(MANY, 1_770_000_000_000))
    return "s"


def a_program(*lines):
    said = "\n".join(("import sys, time, redis", "r = redis.Redis(port=int(sys.argv[1]))", *lines))
    words = [sys.executable, "-c", said]
    return Contestant(
        "liar",
        lambda server, stream: [*words, str(server.port), stream],
        (counting.STATUS, counting.TOTAL),
        counting.bucket,
    )


def test_what_is_loaded_is_there(server, stream):
    assert server.client().xlen(stream) == MANY


def test_entries_of_one_seed_are_the_same():
    first = list(traffic.wide(50, 1_770_000_000_000))
    assert first == list(traffic.wide(50, 1_770_000_000_000))
    assert all(len(fields) == 4 for fields in first)


def test_who_says_it_counted_and_did_not_is_found_out(server, stream):
    liar = a_program(
        "for done in range(100, 1001, 100):",
        "    r.hset('bench:status', 'processed_total', done); time.sleep(.02)",
        "time.sleep(60)",
    )
    with pytest.raises(CannotMeasureError, match="liar counted 0 of 1000"):
        throughput._count(server, liar, stream, MANY)


def test_who_dies_on_the_way_is_not_measured_and_its_last_words_are_told(server, stream):
    dying = a_program("r.hset('bench:status', 'processed_total', 3)", "sys.exit('no more')")
    with pytest.raises(CannotMeasureError, match="of 1000: no more"):
        throughput._count(server, dying, stream, MANY)


def test_what_is_done_at_one_go_is_too_little_to_measure(server, stream):
    sudden = a_program("r.hset('bench:status', 'processed_total', 1000)", "time.sleep(60)")
    with pytest.raises(CannotMeasureError, match="too few to measure"):
        throughput._count(server, sudden, stream, MANY)


def test_a_program_that_is_measured_is_gone_afterwards(server, stream):
    with ours().start(server, stream) as program:
        program.wait(lambda: ours().done(server.client()) > 0)
    assert program.process.returncode == 0


def test_a_server_that_does_not_start_says_so():
    if binary("redis") is None:
        not_tested("no redis-server on this machine")
    with (
        pytest.raises(CannotMeasureError, match="did not start"),
        servers.running("redis", "--no-such-setting", "1"),
    ):
        pass


def test_forgetting_leaves_the_entries_and_nothing_else(server, stream):
    client = server.client()
    client.xgroup_create(stream, "g", "0")
    client.set("other", 1)
    traffic.forget(client, stream)
    assert client.keys() == [stream]
    assert client.xinfo_groups(stream) == []
    assert client.xlen(stream) == MANY


def test_without_a_compiler_redis_benchmark_stands_in_and_its_name_says_so(
    server, stream, monkeypatch
):
    which = reference.shutil.which
    monkeypatch.setattr(
        reference.shutil, "which", lambda name: None if name in ("cc", "gcc") else which(name)
    )
    with reference.compiled() as limit:
        assert limit.reader is None
        assert "no C compiler" in limit.name
        assert limit.per_s(server, stream, MANY) > 0


def test_a_reference_that_left_some_is_no_reference(server, stream):
    with reference.compiled() as limit, pytest.raises(CannotMeasureError, match="left some"):
        limit.per_s(server, stream, MANY + 1)


def test_with_nothing_to_compare_with_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(reference.shutil, "which", lambda _: None)
    with (
        pytest.raises(CannotMeasureError, match="apt-get install gcc libhiredis-dev"),
        reference.compiled(),
    ):
        pass


def test_memory_is_read_from_the_process_itself():
    with programs.running([sys.executable, "-c", "import time; time.sleep(60)"], {}) as program:
        memory = program.memory()
    assert 0 < memory.now_mb <= memory.peak_mb
