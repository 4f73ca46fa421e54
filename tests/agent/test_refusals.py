"""What cannot be replaced and put back exactly is refused before anything changes, and says why."""

import contextlib
import os
import shutil
import subprocess

import pytest

from harness.errors import AgentError
from tests.agent.worlds import absent, file, folder, link, release, tree
from tests.needing import not_tested

RELEASES = "/opt/quantum/releases"


def refused(world, one, cause, action):
    """Insist that a step is refused for this reason, with nothing on the host changed."""
    before = tree(world.root)
    session = world.session()
    with pytest.raises(AgentError, match=cause) as told:
        world.apply(session, [file("/etc/first"), one])
    what = one.get("path") or f"{RELEASES}/{one['digest']}"
    assert (told.value.host, told.value.step) == ("h", f"{one['do']} {what}")
    assert action in told.value.action
    assert "put back" not in told.value.cause  # there was nothing to put back
    world.greet(session)
    assert (session.hello_said["transactions"], session.hello_said["lock"]) == ([], None)
    assert tree(world.root) == before


@pytest.mark.parametrize("step", [file("/etc/a"), link("/etc/a", "x"), absent("/etc/a")])
def test_a_file_with_a_second_name_is_refused(world, step):
    os.link(world.write("/etc/a"), world.at("/etc/b"))
    refused(world, step, "2 hard links.*would part them", "-samefile /etc/a")


@pytest.mark.parametrize(
    "step",
    [file("/etc/l/b/c/a"), folder("/etc/l/a"), absent("/etc/l/a"), link("/etc/l/b/c/a", "x")],
)
def test_a_way_that_leads_through_a_link_is_refused(world, step):
    world.at("/etc/real/b/c").mkdir(parents=True)
    world.at("/etc/l").symlink_to("real")
    refused(world, step, "the parent /etc/l is a symbolic link", "name the real path")


def test_a_release_whose_folder_is_a_link_is_refused(world):
    world.at(RELEASES).rmdir()
    world.at("/opt/elsewhere").mkdir()
    world.at(RELEASES).symlink_to("/opt/elsewhere")
    one = release({"tiny.py": ""})
    refused(world, one, f"the parent {RELEASES} is a symbolic link", "name the real path")


def test_a_release_whose_place_is_taken_is_refused(world):
    one = release({"tiny.py": ""})
    world.write(f"{RELEASES}/{one['digest']}/something")
    refused(world, one, "not ours to remove", "look at it, then remove")


def test_a_release_whose_folder_comes_with_an_earlier_step_is_not_refused(world):
    world.at(RELEASES).rmdir()
    before = tree(world.root)
    session = world.session()
    world.apply(session, [folder(RELEASES, 0o755), release({"tiny.py": ""})])
    session.rollback("t1")
    assert tree(world.root) == before


@pytest.fixture
def freezable(new_world, tmp_path):
    """A host on a file system that knows immutable files, and a function that makes one so."""
    if os.getuid() != 0:
        not_tested("only root makes files immutable")
    with contextlib.ExitStack() as stack:
        if not freezes(tmp_path):
            stack.enter_context(own_disk(tmp_path))
        world = new_world(tmp_path / "root")
        stack.callback(
            subprocess.run, ["chattr", "-R", "-f", "-i", "-a", str(world.root)], check=False
        )

        def freeze(path, flag="+i"):
            subprocess.run(["chattr", flag, str(world.at(path))], check=True)

        yield world, freeze
        world.close()


def freezes(here):
    """Tell whether a file can be made immutable here."""
    probe = here / "probe"
    probe.touch()
    words = ["chattr", "+i", str(probe)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        return False
    subprocess.run(["chattr", "-i", str(probe)], check=True)
    return True


@contextlib.contextmanager
def own_disk(here):
    """While inside, an ext4 of our own is mounted here."""
    if not shutil.which("mkfs.ext4"):
        not_tested("an ext4 needs mkfs.ext4")
    image = here.with_suffix(".ext4")
    with image.open("wb") as opened:
        opened.truncate(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    words = ["mount", "-o", "loop", str(image), str(here)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        not_tested("this machine mounts no ext4, and files cannot be made immutable on what it has")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(here)], check=True)
        image.unlink()


@pytest.mark.parametrize(
    ("step", "flag"),
    [(file("/etc/a"), "+i"), (link("/etc/a", "x"), "+i"), (absent("/etc/a"), "+i"),
     (file("/etc/a"), "+a")],
)  # fmt: skip
def test_an_immutable_file_is_refused_with_the_command_that_helps(freezable, step, flag):
    world, freeze = freezable
    world.write("/etc/a")
    freeze("/etc/a", flag)
    refused(world, step, "/etc/a is immutable", "chattr -i -a /etc/a")


@pytest.mark.parametrize(
    "step",
    [file("/etc/d/a"), absent("/etc/d/old"), folder("/etc/d")],
)
def test_what_lies_in_an_immutable_directory_is_refused(freezable, step):
    world, freeze = freezable
    world.write("/etc/d/old")
    freeze("/etc/d")
    refused(world, step, "/etc/d is immutable", "chattr -i -a /etc/d")


def test_a_release_in_an_immutable_directory_is_refused(freezable):
    world, freeze = freezable
    freeze(RELEASES)
    one = release({"tiny.py": ""})
    refused(world, one, f"{RELEASES} is immutable", f"chattr -i -a {RELEASES}")


def test_an_ext4_of_our_own_stands_in_where_the_machine_has_none(tmp_path):
    if os.getuid() != 0:
        not_tested("only root mounts")
    with own_disk(tmp_path):
        assert freezes(tmp_path)
