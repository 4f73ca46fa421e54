"""The injector is killed at every boundary of every kind of step: the host goes back by itself."""

import contextlib
import os
import random
import threading
from pathlib import Path

import pytest

from harness.errors import InDoubtError, QuantumError
from harness.fingerprints import differences
from tests.agent import grounds
from tests.agent.worlds import META
from tests.waiting import until

SOAK = bool(os.environ.get("QUANTUM_SOAK"))
#: So many boundaries are visited here, and all in the soak.
SAMPLES = 6
SEED = 20261121
#: Who ends what a dead injector has left: the host when its time is over, or somebody from afar.
WAYS = ("expiry", "heal")


def sampled(total):
    """Return the boundaries to visit: all in both ways, or one of each part of the way."""
    every = range(1, total + 1)
    if SOAK:
        return [(at, way) for at in every for way in WAYS]
    chosen, part = random.Random(SEED), len(every) / SAMPLES
    visited = sorted({every[int(part * (n + chosen.random()))] for n in range(SAMPLES)})
    return [(at, WAYS[number % len(WAYS)]) for number, at in enumerate(visited)]


def back(ground, before):
    return differences(before, ground.fingerprint(ground.hand()))


def counted(ground, name):
    """Arm everything and undo it; return how many boundaries there are in each."""
    session = ground.session(die_at=0)
    armed = ground.arm(session, name, *grounds.everything())["boundaries"]
    undone = session.fault_undo(name, meta=META)["boundaries"] - armed
    session.close()
    return armed, undone


def killed(ground, session, do):
    """Do what the agent is killed in; its children are nobody's, and the switch goes on."""
    with pytest.raises(InDoubtError):
        do(session)
    assert ground.process(session).wait(60) == -9


def mended(ground, name, how):
    """End a fault whose injector is dead, as its time or a person from elsewhere does."""
    if how == "expiry":
        ground.expire(name)
    else:
        ground.hand().fault_heal(meta=META)


def walked(ground, boundaries):
    """Kill an injector at each boundary; return what is then left on the host, by boundary."""
    before = ground.fingerprint(ground.hand())
    left, seen = {}, 0
    for at, way in boundaries:
        name = f"walk-{at}-{way}"
        session = ground.session(die_at=at)
        killed(ground, session, lambda one, n=name: ground.arm(one, n, *grounds.everything()))
        broken = back(ground, before)
        mended(ground, name, way)
        if found := back(ground, before):
            left[at] = found
        seen += bool(broken)
        ground.hand().fault_heal(meta=META)
        assert back(ground, before) == []
    assert seen > len(boundaries) / 2, "most of them fall while something is broken"
    return left


def test_a_killed_injector_leaves_nothing_behind(ground):
    armed, _ = counted(ground, "count")
    assert armed > 60
    assert walked(ground, sampled(armed)) == {}


def test_a_killed_undo_is_finished(ground):
    before = ground.fingerprint(ground.hand())
    _, undone = counted(ground, "count-undo")
    assert undone > 15
    for at, way in sampled(undone):
        name = f"undo-{at}-{way}"
        ground.arm(ground.hand(), name, *grounds.everything())
        assert back(ground, before)
        session = ground.session(die_at=at)
        killed(ground, session, lambda one, n=name: one.fault_undo(n, meta=META))
        mended(ground, name, way)
        assert ground.state(name) == "rolled_back"
        assert not ground.switch(name).exists()
        assert back(ground, before) == [], f"boundary {at}"


LATE = """
_armed, _injected = _arm_undo, _inject
def _arm_undo(machine, tx, ttl_s): pass
def _inject(machine, tx, steps, check):
    _injected(machine, tx, steps, check)
    _armed(machine, tx, 600.0)
"""
BLIND = """
def _inject(machine, tx, steps, check):
    for number, step in enumerate(steps, 1):
        kind = injecting.kind_of(step["do"])
        for known in kind.records(machine, step, f"{tx.id}-{number}"):
            record = {"n": number, "do": step["do"], **known}
            kind.do(machine, record)
            tx.journal.append(record)
"""


@pytest.mark.parametrize("broken", [LATE, BLIND], ids=["armed late", "journaled late"])
def test_the_walk_finds_an_undo_that_comes_too_late(ground, another_agent, broken):
    """Broken on purpose: without these orders a killed injector leaves its fault for good."""
    another_agent("faults.py", broken)
    before = ground.fingerprint(ground.hand())
    found = False
    for at in range(6, 12):
        name = f"broken-{at}-{len(broken)}"
        session = ground.session(die_at=at)
        killed(ground, session, lambda one, n=name: ground.arm(one, n, grounds.mode()))
        ground.expire(name)
        found = bool(back(ground, before))
        ground.hand().fault_heal(meta=META)
        (ground.root / grounds.MODE_OF.lstrip("/")).chmod(0o640)
        assert back(ground, before) == []
        if found:
            break
    assert found


def test_a_fault_ends_by_itself_with_its_time_whoever_is_gone(ground):
    before = ground.fingerprint(ground.hand())
    session = ground.session()
    said = ground.arm(session, "short", *grounds.everything())
    assert 0 < said["left_s"] <= grounds.LONG_S
    ground.process(session).kill()
    assert back(ground, before)
    ground.due("short")
    until(lambda: ground.over("short"))
    assert back(ground, before) == []


def test_an_injector_that_hangs_is_ended_when_its_time_is_over(ground):
    before = ground.fingerprint(ground.hand())
    session = ground.session(stop_at=40)
    process = ground.process(session)

    def arm():
        with contextlib.suppress(QuantumError):
            ground.arm(session, "hung", *grounds.everything())

    arming = threading.Thread(target=arm)
    arming.start()
    stat = Path(f"/proc/{process.pid}/stat")
    until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
    ground.due("hung")
    until(lambda: ground.over("hung"))
    arming.join(60)
    assert process.wait(60) == -9
    assert back(ground, before) == []
