"""Most tests fork their consumers off a warm process: that this is `python -m`, and no other."""

import json
import os
import signal
import subprocess

import pytest

from tests import starting
from tests.consumers.running import ROOT
from tests.oracles.fleet import state_of
from tests.waiting import until

WAYS = {"from nothing": starting.from_nothing, "forked": starting.forked}
EVERY = ("consumers.decision_intelligence", "consumers.strategy_router", "consumers.execution")


@pytest.fixture
def see(tmp_path):
    """Start tests.consumers.as_seen one way: see(way, word) -> (exit code, what it printed)."""

    def start(way, *words):
        log = tmp_path / f"{len(list(tmp_path.iterdir()))}.log"
        environ = dict(os.environ) | {"PYTHONPATH": str(ROOT / "tests/as_on_a_host"), "A": "b=ü"}
        running = WAYS[way](["tests.consumers.as_seen", *words], environ, log)
        return running.wait(60), log.read_text()

    return start


@pytest.mark.parametrize("word", ["0", "7", "kill"])
def test_a_program_finds_itself_the_same_and_ends_the_same(see, word):
    (code, said), (forked_code, forked_said) = (see(way, word, "a b") for way in WAYS)
    assert code == forked_code == {"0": 0, "7": 7, "kill": -signal.SIGKILL}[word]
    assert json.loads(forked_said) == json.loads(said)


def test_what_it_does_not_catch_is_told_and_ends_it(see):
    said = [see(way, "raise") for way in WAYS]
    assert [code for code, _ in said] == [1, 1]
    assert all(text.endswith("RuntimeError: as asked\n") for _, text in said)


def test_a_module_that_is_not_there_is_told_the_same(tmp_path):
    codes = []
    for way, start in WAYS.items():
        log = tmp_path / f"{way}.log"
        codes.append(start(["consumers.nobody"], dict(os.environ), log).wait(60))
        assert "No module named consumers.nobody" in log.read_text()
    assert codes == [1, 1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("module", EVERY)
def test_every_consumer_works_and_stops_either_way(own_redis, consumer, module, way):
    running = consumer(own_redis.port, module=module, start=WAYS[way])
    assert isinstance(running.process, subprocess.Popen) == (way == "from nothing")
    assert running.ready().stop() == 0
    assert running.lines()[-1]["event"] == "stopped"


def test_who_was_killed_stays_a_zombie_until_it_is_waited_for(own_redis, consumer):
    running = consumer(own_redis.port).ready()
    os.kill(running.process.pid, signal.SIGKILL)
    pid = running.process.pid
    until(lambda: state_of(pid) == "Z")
    assert running.process.wait(60) == -signal.SIGKILL
    with pytest.raises(FileNotFoundError):
        state_of(pid)


def test_what_an_interpreter_reads_as_it_starts_is_never_left_out(tmp_path):
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "tests/as_on_a_host"), "PYTHONHASHSEED": "7"}
    log = tmp_path / "log"
    assert starting.forked(["tests.consumers.as_seen", "0"], environ, log).wait(60) == 0
    hashed = json.loads(log.read_text())["flags"]
    starting.from_nothing(["tests.consumers.as_seen", "0"], environ, log).wait(60)
    assert hashed == json.loads(log.read_text())["flags"]


def test_when_the_one_who_asks_is_gone_nobody_is_left(tmp_path):
    log = tmp_path / "log"
    warm = starting.Warm("consumers", os.environ.copy())
    with log.open("wb") as out:
        forked = warm.fork(["tests.consumers.as_seen", "wait"], os.environ.copy(), out, out)
    until(log.read_text)
    assert forked.poll() is None
    warm.close()
    with pytest.raises(ProcessLookupError):
        os.kill(forked.pid, 0)


@pytest.mark.parametrize("words", [["--list"], ["plan", "-i", "nowhere.yml"], ["no.such"]])
def test_a_command_says_the_same_and_ends_the_same(words):
    ends = [starting.run(["invoke", *words], dict(os.environ), start=way) for way in WAYS.values()]
    told = [(each.returncode, each.stdout, each.stderr) for each in ends]
    assert told[0] == told[1]
    assert any(told[0])
