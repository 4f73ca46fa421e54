"""Where tests keep what is temporary: in memory only where there is plenty, and never for good."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import in_memory


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """A process that was told nothing, and a folder that is taken for memory."""
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.delenv("QUANTUM_SOAK", raising=False)
    monkeypatch.setattr(in_memory, "MEMORY", tmp_path)
    monkeypatch.setattr(in_memory, "has_plenty", lambda _memory: True)
    return monkeypatch


def test_with_plenty_of_memory_it_is_used(alone):
    assert in_memory.wanted()


@pytest.mark.parametrize("name", ["TMPDIR", "QUANTUM_SOAK"])
def test_who_says_where_and_the_soak_have_it_elsewhere(alone, name):
    alone.setenv(name, "1")
    assert not in_memory.wanted()


def test_with_too_little_memory_the_disk_is_used(alone):
    alone.undo()
    alone.delenv("TMPDIR", raising=False)
    alone.setattr(in_memory, "available", lambda: in_memory.PLENTY - 1)
    assert not in_memory.wanted()


def test_too_small_a_folder_is_not_plenty(tmp_path):
    assert not in_memory.has_plenty(tmp_path, plenty=1 << 60)


def test_a_folder_that_is_not_there_is_not_plenty(tmp_path):
    assert not in_memory.has_plenty(tmp_path / "none", plenty=1)


def test_a_file_system_that_drops_what_files_have_is_not_plenty(tmp_path, monkeypatch):
    def refuse(*_words):
        raise OSError("not supported")

    monkeypatch.setattr(in_memory.os, "setxattr", refuse, raising=False)
    assert not in_memory.has_plenty(tmp_path, plenty=1)


def test_what_the_dead_left_goes_and_what_the_living_have_stays(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    dead, living = (tmp_path / f"{in_memory.NAME}{pid}" for pid in (ended.pid, os.getpid()))
    others = tmp_path / f"{in_memory.NAME}of-mine"
    for folder in (dead, living, others):
        (folder / "below").mkdir(parents=True)
    in_memory.forget_the_dead(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([living, others])


def test_all_that_is_started_here_uses_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", "elsewhere")  # put back afterwards
    monkeypatch.setattr(in_memory.tempfile, "tempdir", None)
    folder = in_memory.use(tmp_path)
    made = subprocess.run(["mktemp"], capture_output=True, text=True, check=True).stdout
    assert Path(made.strip()).parent == folder == Path(in_memory.tempfile.gettempdir())
