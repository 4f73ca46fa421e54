"""What was written stands in the file, whatever becomes of the writer; one at a time writes."""

import resource
import signal
import subprocess
import sys
from threading import Thread

import pytest

from fault_injection.checkers import judge
from fault_injection.history.happenings import Ack, Ended, Invoked, Opening, Resumed
from fault_injection.history.lines import encoded
from fault_injection.history.reading import read
from fault_injection.history.writing import Writer
from harness.errors import HistoryError
from proofs.finding import Verdict
from tests.oracles.scale import sized
from tests.waiting import until

OPENING = Opening(tool="quantum-ops", version="1", seed=7, schedule="00", inventory="i", mode="lab")
#: Writes for ever, and says by the file's length how far it is.
WRITES = """
import sys
from pathlib import Path
from fault_injection.history.happenings import Ended, Invoked, Opening
from fault_injection.history.writing import Writer
opening = Opening(tool="t", version="1", seed=7, schedule="00", inventory="i", mode="lab")
with Writer.begin(Path(sys.argv[1]), opening) as history:
    for number in range(10**9):
        history.write(Invoked(op=str(number), process="p", identity="i" * (number % 5_000)))
        history.write(Ended(op=str(number), how="ok"))
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.jsonl"


def test_each_happening_is_in_the_file_at_once(path):
    with Writer.begin(path, OPENING) as history:
        for number in range(5):
            history.write(Ack(flow="f", entry=f"{number}-0"))
            assert [each.entry for each in read(path).of(Ack)][-1] == f"{number}-0"
        history.close("done")
    found = read(path)
    assert (found.closed, found.torn, found.damage) == (True, 0, ())
    assert [each.n for each in found.happenings] == list(range(7))


def test_times_are_set_and_those_of_a_source_are_kept(path):
    ticks = iter(range(100, 200, 10))
    with Writer.begin(path, OPENING, clock=lambda: (next(ticks), 7)) as history:
        history.write(Ack(flow="f", entry="1-0"), Ack(flow="f", entry="2-0", wall_ns=5))
    assert [(each.wall_ns, each.mono_ns) for each in read(path).happenings] == [
        (100, 7), (110, 7), (5, 7),
    ]  # fmt: skip


def test_threads_may_share_a_writer(path):
    with Writer.begin(path, OPENING) as history:

        def write(name):
            for number in range(50):
                history.write(Invoked(op=f"{name}{number}", process=name),
                              Ended(op=f"{name}{number}", how="ok"))  # fmt: skip

        threads = [Thread(target=write, args=(name,)) for name in "abcd"]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        history.close()
    found = read(path)
    assert (found.damage, len(found.of(Ended))) == ((), 200)


def test_what_is_left_without_a_last_line_has_none(path):
    with pytest.raises(RuntimeError), Writer.begin(path, OPENING):
        raise RuntimeError
    assert not read(path).closed


def test_nobody_writes_over_a_history(path):
    Writer.begin(path, OPENING).close()
    with pytest.raises(HistoryError, match="File exists"):
        Writer.begin(path, OPENING)


def test_one_at_a_time_writes(path):
    with Writer.begin(path, OPENING), pytest.raises(HistoryError, match="another process"):
        Writer.resume(path)


def test_a_closed_one_is_not_resumed(path):
    Writer.begin(path, OPENING).close()
    with pytest.raises(HistoryError, match="it is closed"):
        Writer.resume(path)


def test_a_damaged_one_is_not_resumed(path):
    Writer.begin(path, OPENING).let_go()
    line = encoded(Ack(flow="f", entry="1-0"), 1, 1, 1)
    path.write_bytes(path.read_bytes() + b"none of ours\n" + line)
    with pytest.raises(HistoryError, match="it is damaged"):
        Writer.resume(path)


def test_nothing_is_written_after_a_line_that_found_no_room(path):
    """The disk is full in the middle of a line: it stays torn, and the history ends there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    history = Writer.begin(path, OPENING)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
        with pytest.raises(HistoryError, match="File too large"):
            history.write(Ack(flow="f", entry="1-0"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(HistoryError, match="no longer written"):
        history.write(Ack(flow="f", entry="2-0"))
    history.let_go()
    assert (read(path).torn, len(read(path).happenings)) == (20, 1)
    with Writer.resume(path, "by hand") as heir:
        heir.write(Ack(flow="f", entry="3-0"))
        heir.close()
    found = read(path)
    assert (found.damage, found.closed, found.of(Resumed)[0].torn) == ((), True, 20)
    assert [each.entry for each in found.of(Ack)] == ["3-0"]
    judgement = judge(found)
    assert judgement.verdict is Verdict.unknown
    assert any("20 bytes were torn" in each for each in judgement.findings["whole"].reasons)


def test_a_killed_harness_leaves_a_history_that_reads_and_can_be_resumed(tmp_path, note):
    kills, torn = sized(3, 100), 0
    for number in range(kills):
        path = tmp_path / f"{number}.jsonl"
        writer = subprocess.Popen((sys.executable, "-c", WRITES, str(path)))
        try:
            # no two are killed at the same place
            until(lambda p=path, n=number: p.exists() and p.stat().st_size > 30_011 * (n % 7 + 1))
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        found = read(path)
        torn += bool(found.torn)
        assert (found.damage, found.closed) == ((), False)
        assert len(found.of(Ended)) <= len(found.of(Invoked)) <= len(found.of(Ended)) + 1
        assert judge(found).verdict is Verdict.unknown
        with Writer.resume(path) as heir:
            heir.close()
        assert (read(path).damage, read(path).closed) == ((), True)
        assert judge(read(path)).verdict is Verdict.unknown
    note(kills=kills, torn=torn)
