"""Every kind of step: done, undone to the byte, and harmless when done again."""

import marshal
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from harness.errors import AgentError, DriftError
from tests.agent.worlds import (
    BAD_UNIT,
    NEW_UNIT,
    OLD_UNIT,
    UNIT,
    UNIT_PATH,
    absent,
    file,
    folder,
    link,
    release,
    settle,
    tree,
)


def everything(world):
    """Prepare a host and return the steps that touch it in every way."""
    world.write("/etc/quantum.conf", "old\n", 0o600)
    world.write("/etc/gone.conf", "going\n", 0o604)
    os.utime(world.at("/etc/gone.conf"), ns=(10**18, 10**18 + 7))
    world.write("/etc/mode.conf", "same\n", 0o777)
    world.at("/etc/pointer").symlink_to("old-target")
    world.at("/etc/attrs").mkdir(0o711)
    os.setxattr(world.at("/etc/quantum.conf"), "user.note", b"by hand")
    world.write(UNIT_PATH, OLD_UNIT)
    world.services.start(UNIT)
    world.services.calls.clear()
    return [
        folder("/etc/attrs", 0o700),
        folder("/etc/quantum"),
        folder("/etc/quantum/deep", 0o711),
        release({"tiny/__init__.py": "A = 1\n"}),
        file("/etc/quantum/deep/a.env"),
        file("/etc/quantum.conf", "new\n", 0o644),
        file("/etc/mode.conf", "same\n", 0o640),
        link("/etc/pointer", "new-target"),
        link("/etc/fresh", "quantum.conf"),
        absent("/etc/gone.conf"),
        file(UNIT_PATH, NEW_UNIT, 0o644),
        settle(),
    ]


def test_a_deploy_does_what_it_says_and_a_rollback_restores_every_byte(world):
    steps = everything(world)
    before = tree(world.root)
    session = world.session()
    said = world.apply(session, steps)
    assert said["state"] == "applied"
    assert [event["index"] for event in world.events] == list(range(len(steps)))
    assert world.at("/etc/quantum.conf").read_text() == "new\n"
    assert world.at("/etc/quantum.conf").stat().st_mode & 0o7777 == 0o644
    assert world.at("/etc/quantum/deep").stat().st_mode & 0o7777 == 0o711
    assert str(world.at("/etc/pointer").readlink()) == "new-target"
    assert not world.at("/etc/gone.conf").exists()
    assert world.services.show(UNIT)["environ"] == {"QUANTUM_UNIT_DIGEST": "new"}
    placed = world.at("/opt/quantum/releases") / steps[3]["digest"]
    assert (placed / "tiny/__init__.py").read_text() == "A = 1\n"
    assert (placed / "COMPLETE").exists()
    session.commit("t1")
    undone = session.rollback()["undone"]
    assert undone[0]["tx"] == "t1"
    assert tree(world.root) == before
    assert world.services.show(UNIT)["environ"] == {"QUANTUM_UNIT_DIGEST": "old"}
    assert session.rollback("t1")["undone"] == []
    assert tree(world.root) == before


def test_the_manifest_is_what_was_deployed_and_goes_back_with_a_rollback(world):
    world.deploy([file("/etc/a", "one"), file("/etc/b", "one")], "t1")
    world.deploy([file("/etc/a", "two"), absent("/etc/b")], "t2")
    session = world.session()
    assert list(session.hello_said["manifest"]) == ["/etc/a"]
    assert session.hello_said["manifest"]["/etc/a"]["mode"] == 0o640
    session.rollback()
    assert list(world.session().hello_said["manifest"]) == ["/etc/a", "/etc/b"]


def test_observing_and_saying_hello_write_nothing(world):
    world.write("/etc/a", "text\n")
    store = world.root / "var/lib"
    before = tree(world.root), list(store.iterdir())
    session = world.session()
    said = session.observe(paths={"/etc/a": None, "/etc/b": None}, units={UNIT: {}})
    assert said["paths"]["/etc/a"]["text"] == "text\n"
    assert said["paths"]["/etc/b"] == {"kind": "absent"}
    assert said["units"][UNIT]["load"] == "not-found"
    session.attest(paths=["/etc/a"], releases=["0" * 64])
    assert (tree(world.root), list(store.iterdir())) == before


def test_the_text_of_a_secret_never_leaves_the_host(world):
    world.write("/etc/a", "hunter2")
    said = world.session().observe(paths={"/etc/a": None}, secret=["/etc/a"])
    assert "hunter2" not in str(said)


def test_a_drifted_precondition_is_refused_and_nothing_is_changed(world):
    world.write("/etc/a", "mine\n")
    before = tree(world.root)
    planned_for = {"kind": "file", "sha256": "0" * 64, "mode": 0o644}
    with pytest.raises(DriftError, match="/etc/a is not what the plan was made for: sha256"):
        world.apply(world.session(), [file("/etc/b"), file("/etc/a", before=planned_for)])
    assert tree(world.root) == before
    assert world.session().hello_said["transactions"] == []


@pytest.mark.parametrize(
    ("prepare", "step", "cause"),
    [
        (lambda w: w.write("/etc/a"), file("/etc/a/b"), "/etc/a is no directory"),
        (lambda w: w.at("/etc/a").mkdir(), file("/etc/a"), "is a directory"),
        (lambda w: w.write("/etc/a"), folder("/etc/a"), "no directory but a file"),
        (lambda w: w.write("/etc/a/b"), absent("/etc/a"), "not empty"),
        (lambda w: os.mkfifo(w.at("/etc/a")), file("/etc/a"), "neither file, directory nor link"),
        (lambda _: None, file("/etc/nowhere/a"), "/etc/nowhere does not exist"),
        (lambda _: None, file("/etc/../a"), "not in its normal form"),
        (lambda _: None, file("etc/a"), "not an absolute path"),
        (lambda _: None, {"do": "dance"}, "a step 'dance'"),
    ],
)  # fmt: skip
def test_what_cannot_be_undone_exactly_is_refused_before_anything_changes(
    world, prepare, step, cause
):
    prepare(world)
    before = tree(world.root)
    with pytest.raises(AgentError, match=cause) as refused:
        world.apply(world.session(), [file("/etc/first"), step])
    assert refused.value.host == "h"
    assert tree(world.root) == before


def test_a_socket_in_the_way_is_observed_as_other(world):
    listening = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(world.at("/etc"))
    try:
        listening.bind("s")
    finally:
        os.chdir(here)
        listening.close()
    assert world.session().observe(paths={"/etc/s": None})["paths"]["/etc/s"]["kind"] == "other"


@pytest.mark.parametrize(
    ("files", "more", "cause"),
    [
        ({"tiny.py": "A = 1\n"}, {"digest": "0" * 64}, "unpacks to"),
        ({"tiny.py": "import nowhere\n"}, {}, "No module named 'nowhere'"),
        ({"tiny.py": "", "__pycache__/x.pyc": ""}, {}, "which it must not"),
        ({"../tiny.py": ""}, {}, "which it must not"),
    ],
)
def test_a_release_that_is_wrong_leaves_nothing_behind(world, files, more, cause):
    before = tree(world.root)
    with pytest.raises(AgentError, match=cause):
        world.apply(world.session(), [file("/etc/a"), release(files, **more)])
    assert tree(world.root) == before


def test_a_release_is_attested_by_hashing_it_again(world):
    step = release({"tiny.py": "A = 1\n"})
    world.deploy([step])
    session = world.session()
    assert session.observe(paths={}, releases=[step["digest"]])["releases"] == {
        step["digest"]: True
    }
    said = session.attest(releases=[step["digest"]])
    assert said["releases"][step["digest"]] == {"complete": True, "tree_digest": step["digest"]}
    assert (said["tx"], said["tx_state"]) == ("t1", "committed")
    world.at(f"/opt/quantum/releases/{step['digest']}/tiny.py").write_text("A = 2\n")
    said = session.attest(releases=[step["digest"]])["releases"][step["digest"]]
    assert said["complete"]
    assert said["tree_digest"] != step["digest"]


def recompiled(path, source):
    """Compile something else into the file, as if it were of the same source."""
    code = compile(source, "tiny.py", "exec")
    path.write_bytes(path.read_bytes()[:16] + marshal.dumps(code))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cache, made: recompiled(made, "A = 2\n"),
        lambda cache, made: made.write_bytes(made.read_bytes()[:20]),
        lambda cache, made: made.chmod(0o666),
        lambda cache, made: made.rename(cache / "other.cpython-39.pyc"),
        lambda cache, made: (cache / "readme.txt").write_text("?"),
        lambda cache, made: (cache / "tiny.pyc").symlink_to(made),
        lambda cache, made: made.with_name(made.name.replace("tiny", "big")).write_bytes(b""),
    ],
    ids=["other code", "cut", "writable", "another Python", "a text", "a link", "no source"],
)
def test_what_was_compiled_on_the_host_is_no_difference_but_anything_else_is(world, spoil):
    step = release({"tiny.py": "A = 1\n"})
    world.deploy([step])
    session, digest = world.session(), step["digest"]

    def found():
        return session.attest(releases=[digest])["releases"][digest]["tree_digest"]

    cache = world.at(f"/opt/quantum/releases/{digest}/__pycache__")
    (made,) = cache.iterdir()
    recompiled(made, "A = 1\n")
    assert found() == digest
    spoil(cache, made)
    assert found() != digest


def test_compiled_files_are_looked_into_once_until_a_file_is_touched(world):
    asked, python = world.root.parent / "asked", world.at("/usr/bin/python3")
    asked.touch()
    python.unlink()
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *"Python has compiled"*) echo >>{asked};; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    step = release({"tiny.py": "A = 1\n"})
    session, digest = world.session(), step["digest"]

    def found():
        return session.attest(releases=[digest])["releases"][digest]["tree_digest"]

    world.apply(session, [step])  # where it is unpacked beside its place
    assert (found(), found()) == (digest, digest)
    assert asked.read_text() == "\n"
    (made,) = world.at(f"/opt/quantum/releases/{digest}/__pycache__").iterdir()
    recompiled(made, "A = 2\n")
    assert found() != digest
    assert asked.read_text() == "\n\n"


def test_a_release_without_its_compiled_files_is_the_same(world):
    step = release({"tiny.py": "A = 1\n"})
    world.deploy([step])
    shutil.rmtree(world.at(f"/opt/quantum/releases/{step['digest']}/__pycache__"))
    said = world.session().attest(releases=[step["digest"]])["releases"][step["digest"]]
    assert said["tree_digest"] == step["digest"]


def test_what_compiles_to_something_without_an_equal_is_kept_as_source_alone(world):
    # not a number is folded into the code, and equals nothing, itself included
    step = release({"tiny.py": "A = 1e999 - 1e999\n"})
    world.deploy([step])
    folder = world.at(f"/opt/quantum/releases/{step['digest']}")
    said = world.session().attest(releases=[step["digest"]])["releases"][step["digest"]]
    assert said["tree_digest"] == step["digest"]
    assert (folder / "tiny.py").exists()


def test_a_unit_that_does_not_start_puts_everything_back_and_runs_the_old_code(world):
    world.write(UNIT_PATH, OLD_UNIT)
    world.services.start(UNIT)
    before = tree(world.root)
    with pytest.raises(AgentError, match="exit code 1; everything was put back") as failed:
        world.apply(world.session(), [file(UNIT_PATH, BAD_UNIT), settle()])
    assert failed.value.step == f"settle {UNIT}"
    assert tree(world.root) == before
    assert world.services.show(UNIT)["environ"] == {"QUANTUM_UNIT_DIGEST": "old"}


def test_a_unit_that_did_not_exist_is_stopped_while_its_file_is_there(world):
    session = world.session()
    world.apply(session, [file(UNIT_PATH, NEW_UNIT), settle("start")])
    stopped_with_file = []
    stop = world.services.stop
    world.services.stop = lambda unit: (
        stopped_with_file.append(world.at(UNIT_PATH).exists()),
        stop(unit),
    )[1]
    session.rollback("t1")
    assert stopped_with_file == [True]
    assert world.services.show(UNIT)["active"] == "inactive"
    assert world.services.calls[-1][0] in {"reload", "reset-failed"}


def test_a_unit_whose_process_is_still_the_old_one_is_not_restarted_by_an_undo(world):
    world.write(UNIT_PATH, OLD_UNIT)
    world.services.start(UNIT)
    invocation = world.services.show(UNIT)["invocation"]
    dangling = {"do": "package", "name": "no-such-thing"}
    with pytest.raises(AgentError, match="nothing that stands for the package"):
        world.apply(world.session(), [file("/etc/a"), dangling, settle()])
    assert world.services.show(UNIT)["invocation"] == invocation
