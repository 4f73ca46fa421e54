"""A disk that is full: seen before anything changes, and survived when it fills in the middle."""

import os
import subprocess

import pytest

from harness.errors import AgentError
from tests.agent.worlds import META, file, tree
from tests.needing import not_tested


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two mebibytes."""
    words = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if os.getuid() != 0 or subprocess.run(words, check=False).returncode:
        not_tested("a small file system needs root")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.fixture
def full_world(small_disk, new_world):
    world = new_world(small_disk / "root")
    yield world
    world.close()


def fill(world, leave):
    """Leave only so many bytes free."""
    free = os.statvfs(world.root)
    world.write("/filling", b"x" * (free.f_bavail * free.f_frsize - leave))


def test_a_deploy_that_does_not_fit_is_refused_before_anything_changes(full_world):
    full_world.write("/etc/a", "old\n")
    fill(full_world, 300_000)
    before = tree(full_world.root)
    with pytest.raises(AgentError, match="KiB free, the deploy needs") as refused:
        full_world.apply(full_world.session(), [file("/etc/a", b"y" * 250_000)])
    assert refused.value.action == "free some space on the host and deploy again"
    assert tree(full_world.root) == before


def test_a_snapshot_that_does_not_fit_is_refused_and_nothing_of_it_is_kept(full_world):
    full_world.write("/etc/a", b"y" * 250_000)
    fill(full_world, 300_000)
    session = full_world.session()
    with pytest.raises(AgentError, match="KiB free, the snapshot needs") as refused:
        session.backup("s1", ["/etc/a"], meta=META)
    assert refused.value.action == "free some space on the host and back up again"
    assert session.backups() == []


def test_a_disk_that_fills_in_the_middle_puts_everything_back(full_world):
    full_world.write("/etc/a", b"o" * 100_000)
    pause = {"do": "settle", "reload": True, "units": []}
    steps = [file("/etc/a", b"n" * 90_000), pause, file("/etc/b", b"z" * 90_000)]
    before = tree(full_world.root)
    answer = full_world.services.answer
    full_world.services.answer = lambda asked: (fill(full_world, 0), answer(asked))[1]
    with pytest.raises(AgentError, match=r"No space left.*; everything was put back"):
        full_world.apply(full_world.session(), steps)
    assert full_world.at("/filling").stat().st_size > 1_000_000
    full_world.at("/filling").unlink()
    after = tree(full_world.root)
    for each in (before, after):  # the filling was made and removed beside the agent's work
        del each["."]
    assert after == before
