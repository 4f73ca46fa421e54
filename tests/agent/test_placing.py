"""The last look before the rename, and files that nobody else can read for a moment."""

import os

import pytest

from harness.agent import placing
from harness.agent.failing import AgentError
from harness.agent.machine import Machine
from harness.agent.places import place
from harness.agent.states import identity
from harness.agent.supervisor import Supervisor


@pytest.fixture
def where(tmp_path):
    machine = Machine(str(tmp_path), Supervisor(""))
    (tmp_path / "a").write_text("old")
    with place(machine, "/a") as one:
        yield one


def test_a_file_that_changed_since_the_last_look_is_not_replaced(where, tmp_path):
    seen = identity(where.stat())
    (tmp_path / "a").write_text("hotfix")
    with pytest.raises(AgentError, match="changed while it was being replaced"):
        placing.put_file(where, ".t", b"new", seen, mode=0o644, ids=(-1, -1))
    with pytest.raises(AgentError, match="changed while it was being replaced"):
        placing.take_away(where, seen)
    assert (tmp_path / "a").read_text() == "hotfix"


def test_a_file_that_appeared_since_the_last_look_is_not_replaced(where, tmp_path):
    with pytest.raises(AgentError, match="changed"):
        placing.put_link(where, ".t", "target", [])
    assert (tmp_path / "a").read_text() == "old"


def test_a_new_file_is_for_root_alone_until_it_has_its_mode(where, tmp_path):
    os.umask(0)
    try:
        os.close(placing.write_file(where, ".t", b"secret"))
    finally:
        os.umask(0o022)
    assert (tmp_path / ".t").stat().st_mode & 0o7777 == 0o600


def test_a_temporary_name_that_somebody_planted_is_not_written_through(where, tmp_path):
    (tmp_path / ".t").symlink_to("a")
    with pytest.raises(FileExistsError):
        placing.write_file(where, ".t", b"secret")
    assert (tmp_path / "a").read_text() == "old"
