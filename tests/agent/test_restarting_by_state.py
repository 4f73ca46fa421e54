"""A unit restarts by what its process has, wherever a deploy died: once, and never for nothing.

Units are in memory (tests/agent/stand_in.py); tests/lab asks systemd the same.
"""

from __future__ import annotations

import pytest

from harness.errors import AgentError, InDoubtError
from tests.agent.worlds import META, NEW_UNIT, OLD_UNIT, UNIT, UNIT_PATH, file, settle

STEPS = [file(UNIT_PATH, NEW_UNIT), settle()]
NEW, OLD = {"QUANTUM_UNIT_DIGEST": "new"}, {"QUANTUM_UNIT_DIGEST": "old"}
DANGLING = {"do": "package", "name": "no-such-thing"}


@pytest.fixture
def running(world):
    """The old unit runs."""
    world.write(UNIT_PATH, OLD_UNIT)
    world.services.start(UNIT)
    return world


def starts(world) -> int:
    return world.services.count


def test_who_dies_between_rename_and_restart_makes_the_next_deploy_restart_exactly_once(running):
    session = running.session(die_at=0)
    total = running.apply(session, STEPS)["boundaries"]
    session.rollback("t1")
    met = set()
    for at in range(total, 0, -1):  # from the end, as the rename and the restart are there
        before = running.services.show(UNIT)
        assert before["environ"] == OLD
        with pytest.raises(InDoubtError):
            running.apply(running.session(die_at=at), STEPS, f"died{at}")
        was_restarted = running.services.show(UNIT)["invocation"] != before["invocation"]
        renamed = running.at(UNIT_PATH).read_text() == NEW_UNIT
        count = starts(running)
        session = running.session()
        session.recover(meta=META)
        running.apply(session, STEPS, f"again{at}")
        # one that has the new code already goes back with its files first
        assert starts(running) - count == (2 if was_restarted else 1)
        assert running.services.show(UNIT)["environ"] == NEW
        session.rollback(f"again{at}")
        session.close()
        met.add((renamed, was_restarted))
        if not renamed:
            break
    assert met == {(True, True), (True, False), (False, False)}


def test_a_process_that_came_back_by_itself_with_the_new_files_goes_back_with_them(running):
    """The renamed file, a crash, an automatic restart, and only then the undo."""
    session = running.session()
    restart = running.services.restart
    running.services.restart = lambda _unit: {"ok": True}  # it dies before it is restarted
    running.apply(session, [file(UNIT_PATH, NEW_UNIT), settle()])
    assert running.services.show(UNIT)["environ"] == OLD
    restart(UNIT)
    assert running.services.show(UNIT)["environ"] == NEW
    session.rollback("t1")
    assert running.services.show(UNIT)["environ"] == OLD


@pytest.mark.parametrize("look", [1, 2])
def test_one_that_comes_back_in_the_middle_of_the_undo_does_so_too(running, look):
    """It crashes right after the undo looked, and comes back before the old file is there."""
    answer, looks = running.services.answer, []

    def crashes(asked):
        said = answer(asked)
        looks.append(asked["do"] == "show")
        if sum(looks) == look + 1 and asked["do"] == "show":  # the first look is the hold's
            running.services.restart(UNIT)
        return said

    running.services.answer = crashes
    with pytest.raises(AgentError, match="nothing that stands for the package"):
        running.apply(running.session(), [file(UNIT_PATH, NEW_UNIT), DANGLING, settle()])
    assert running.at(UNIT_PATH).read_text() == OLD_UNIT
    assert running.services.show(UNIT)["environ"] == OLD
