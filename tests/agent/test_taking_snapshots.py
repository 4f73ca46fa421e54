"""Snapshots on demand: what they keep, what they refuse, and that they are whole or not there."""

import os

import pytest

from harness.errors import AgentError, DriftError, InDoubtError, LockedError, QuantumError
from tests.agent.worlds import META, STORE, absent, file, folder, link, tree

#: What a person would name: a directory with everything in it, and a path that is not there.
NAMED = ("/etc/app", "/etc/never")


def furnish(world):
    """Make a directory with a file of every mode, time and attribute, a link and a folder."""
    world.write("/etc/app/a.conf", "one\n", 0o640)
    world.write("/etc/app/deep/b.conf", "two\n", 0o604)
    world.write("/etc/app/empty", b"", 0o600)
    world.at("/etc/app/pointer").symlink_to("a.conf")
    os.setxattr(world.at("/etc/app/a.conf"), "user.note", b"by hand")
    for name, at in (("a.conf", 7), ("deep/b.conf", 8), ("deep", 9), ("", 10)):
        os.utime(world.at(f"/etc/app/{name}"), ns=(10**18, 10**18 + at))


def disturb(world):
    """Change everything of it in every way."""
    world.at("/etc/app/a.conf").write_text("other\n")
    world.at("/etc/app/a.conf").chmod(0o666)
    os.removexattr(world.at("/etc/app/a.conf"), "user.note")
    world.at("/etc/app/deep/b.conf").unlink()
    world.at("/etc/app/deep").rmdir()
    world.at("/etc/app/empty").write_text("no more")
    world.at("/etc/app/pointer").unlink()
    world.write("/etc/app/pointer", "a file now\n")
    world.write("/etc/never", "here after all\n")


def take(session, name="s1", paths=NAMED):
    return session.backup(name, list(paths), meta=META)


def restore(session, name="s1", tx="r1"):
    seen = session.plan_restore(name)["seen"]
    return session.restore(tx, name, seen, meta=META)


def of(world, *paths):
    """Return everything about the paths, and nothing about the rest of the tree."""
    inside = tuple(path.lstrip("/") for path in paths)
    return {k: v for k, v in tree(world.root).items() if k.startswith(inside)}


def kept_in(world, name="s1"):
    return world.root / STORE / "tx" / name


def test_what_was_kept_comes_back_to_the_byte_and_a_rollback_takes_that_back(world):
    furnish(world)
    before = of(world, *NAMED)
    session = world.session()
    told = take(session)
    assert (told["paths"], told["bytes"], told["damage"]) == (7, 8, "")
    assert of(world, *NAMED) == before
    disturb(world)
    disturbed = tree(world.root)
    plan = session.plan_restore("s1")
    assert tree(world.root) == disturbed
    assert [change["path"] for change in plan["changes"]] == [
        "/etc/app/a.conf", "/etc/app/deep", "/etc/app/deep/b.conf", "/etc/app/empty",
        "/etc/app/pointer", "/etc/never",
    ]  # fmt: skip
    session.restore("r1", "s1", plan["seen"], meta=META)
    session.commit("r1")
    assert of(world, *NAMED) == before
    assert session.plan_restore("s1")["changes"] == []
    assert [one["tx"] for one in session.rollback()["undone"]] == ["r1"]
    assert tree(world.root) == disturbed


def test_a_restore_that_is_not_committed_goes_back_by_itself(world):
    furnish(world)
    session = world.session()
    take(session)
    disturb(world)
    disturbed = tree(world.root)
    restore(session)
    assert tree(world.root) != disturbed
    session.close()
    assert tree(world.root) == disturbed


def test_without_a_path_all_managed_files_are_kept_and_those_that_are_gone(world):
    world.deploy([folder("/etc/q"), file("/etc/q/a"), file("/etc/q/b"), link("/etc/l", "q/a")])
    world.write("/etc/q/stranger")
    world.at("/etc/q/b").unlink()
    session = world.session()
    assert take(session, paths=())["paths"] == 4
    world.write("/etc/q/b", "back again\n")
    world.at("/etc/q/a").write_text("by hand\n")
    plan = session.plan_restore("s1")
    assert {c["path"]: c["was"]["kind"] for c in plan["changes"]} == {
        "/etc/q/a": "file", "/etc/q/b": "absent",
    }  # fmt: skip
    assert plan["left"] == []


def test_where_nothing_is_deployed_paths_must_be_named(world):
    with pytest.raises(AgentError, match="nothing is deployed here") as refused:
        take(world.session(), paths=())
    assert "--path" in refused.value.action
    assert world.session().backups() == []


def test_only_what_was_managed_comes_to_be_managed(world):
    world.deploy([file("/etc/a", "one"), file("/etc/b", "one")], "t1")
    world.write("/etc/mine", "mine\n")
    session = world.session()
    take(session, paths=["/etc/a", "/etc/b", "/etc/mine"])
    session.close()
    world.deploy([absent("/etc/b"), file("/etc/a", "two")], "t2")
    world.write("/etc/mine", "theirs\n")
    session = world.session()
    restore(session)
    session.commit("r1")
    assert world.at("/etc/mine").read_text() == "mine\n"
    manifest = world.session().hello_said["manifest"]
    assert sorted(manifest) == ["/etc/a", "/etc/b"]
    session.rollback()
    assert sorted(world.session().hello_said["manifest"]) == ["/etc/a"]
    assert world.at("/etc/a").read_text() == "two"


def test_what_came_into_a_directory_since_is_told_and_left_alone(world):
    furnish(world)
    session = world.session()
    take(session)
    world.write("/etc/app/deep/new")
    plan = session.plan_restore("s1")
    assert plan["left"] == ["/etc/app/deep/new"]
    assert plan["changes"] == []


def test_a_directory_where_there_was_nothing_is_removed_only_when_it_is_empty(world):
    session = world.session()
    take(session, paths=["/etc/never"])
    world.write("/etc/never/inside")
    before = tree(world.root)
    with pytest.raises(AgentError, match="the directory /etc/never is not empty"):
        restore(session)
    assert tree(world.root) == before
    world.at("/etc/never/inside").unlink()
    restore(session)
    assert not world.at("/etc/never").exists()


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("etc/app", "not an absolute path"),
        ("/etc/../etc/app", "not in its normal form"),
        ("/etc/app/", "not in its normal form"),
        ("//etc/app", "too much or no name"),
        ("/", "too much or no name"),
        ("/var/lib/quantum-ops/tx", "is in /var/lib/quantum-ops"),
        ("/var/lib", "holds /var/lib/quantum-ops"),
        ("/proc/1/environ", "is in /proc"),
        ("/dev", "is in /dev"),
        ("/sys/kernel", "is in /sys"),
        ("/etc/out/app", "the parent /etc/out is a symbolic link"),
        ("/etc/app/pipe", "neither file, directory nor link"),
        ("/etc/app", "neither file, directory nor link"),
        ("/etc/twice", "2 hard links"),
        ("/etc/strange", "no UTF-8"),
    ],
)
def test_what_is_no_file_of_anybodys_is_refused_and_nothing_is_kept(world, path, cause):
    world.write("/etc/app/a.conf")
    os.mkfifo(world.at("/etc/app/pipe"))
    world.at("/etc/out").symlink_to("/etc")
    os.link(world.write("/etc/twice"), world.at("/etc/twice-2"))
    world.at("/etc/strange").mkdir()
    os.close(os.open(bytes(world.at("/etc/strange")) + b"/\xff", os.O_CREAT | os.O_WRONLY))
    session = world.session()
    with pytest.raises(AgentError, match=cause) as refused:
        take(session, paths=["/etc/first", path])
    assert refused.value.host == "h"
    assert session.backups() == []


def test_more_than_a_snapshot_holds_is_refused(world):
    for name in ("a", "b"):
        with world.write(f"/etc/big/{name}").open("wb") as big:
            big.truncate(40 * 1024 * 1024)
    with pytest.raises(AgentError, match="65536 KiB") as refused:
        take(world.session(), paths=["/etc/big"])
    assert "--path" in refused.value.action


def test_a_taken_name_and_one_that_is_none_are_refused_and_the_first_stays(world):
    furnish(world)
    session = world.session()
    take(session)
    for name in ("s1", "../s1", ".s1", ""):
        with pytest.raises(AgentError):
            take(session, name)
    assert [(one["id"], one["damage"]) for one in session.backups()] == [("s1", "")]


@pytest.mark.parametrize("which", ["content", "catalogue", "missing", "meta"])
def test_a_damaged_snapshot_says_so_and_is_refused_before_anything_changes(world, which):
    furnish(world)
    session = world.session()
    catalogue = take(session)["catalogue_sha256"]
    take(session, "s2")
    contents = [p for p in (kept_in(world) / "backups").iterdir() if p.name != catalogue]
    list_of_all, meta = kept_in(world) / "backups" / catalogue, kept_in(world) / "meta.json"
    chosen = {"catalogue": list_of_all, "meta": meta}.get(which, contents[0])
    if which == "missing":
        chosen.unlink()
    else:
        chosen.write_bytes(chosen.read_bytes()[:-1] + b"!")
    disturb(world)
    before = tree(world.root)
    damages = {one["id"]: one["damage"] for one in session.backups()}
    assert damages["s1"]
    assert not damages["s2"]
    seen = session.plan_restore("s2")["seen"]
    for ask in (
        lambda: session.plan_restore("s1"),
        lambda: session.restore("r1", "s1", seen, meta=META),
    ):
        with pytest.raises(AgentError, match="the snapshot s1 is damaged") as refused:
            ask()
        assert "backup.list" in refused.value.action
    assert tree(world.root) == before
    assert [t["id"] for t in world.session().hello_said["transactions"]] == ["s1", "s2"]
    session.restore("r1", "s2", seen, meta=META)


def test_a_host_that_changed_since_the_plan_is_refused(world):
    furnish(world)
    session = world.session()
    take(session)
    disturb(world)
    seen = session.plan_restore("s1")["seen"]
    world.at("/etc/app/empty").write_text("and once more")
    before = tree(world.root)
    with pytest.raises(DriftError, match="not what the plan was made for"):
        session.restore("r1", "s1", seen, meta=META)
    assert tree(world.root) == before


def test_a_snapshot_is_pinned_and_no_deploy_to_undo_or_to_go_back_to(world):
    world.deploy([file("/etc/a")], "t1")
    session = world.session()
    take(session, paths=["/etc/a"])
    with pytest.raises(AgentError, match="was deployed after s1"):
        session.rollback("s1")
    with pytest.raises(AgentError, match="s1 is a snapshot, and no deploy"):
        session.rollback(to="s1")
    assert [one["tx"] for one in session.rollback()["undone"]] == ["t1"]
    with pytest.raises(AgentError, match="s1 is a snapshot: it changed nothing, and stays"):
        session.rollback("s1")
    with pytest.raises(AgentError, match="not this session's to keep"):
        session.commit("s1")
    session.recover(meta=META)
    assert [(one["id"], one["damage"]) for one in session.backups()] == [("s1", "")]


def test_only_a_snapshot_is_restored(world):
    world.deploy([file("/etc/a")], "t1")
    for name in ("t1", "nobody"):
        with pytest.raises(AgentError, match="no snapshot"):
            world.session().plan_restore(name)


def test_while_a_deploy_goes_on_no_snapshot_is_taken(world):
    deploying = world.session()
    world.apply(deploying, [file("/etc/a")])
    with pytest.raises(LockedError):
        take(world.session(), paths=["/etc/a"])
    with pytest.raises(AgentError, match="neither committed nor rolled back"):
        take(deploying, paths=["/etc/a"])
    assert deploying.backups() == []


def test_contents_leave_the_host_only_where_everybody_there_may_read_them(world):
    world.write("/etc/open.conf", "first open\n", 0o644)
    world.write("/etc/shut.conf", "first hunter2\n", 0o640)
    world.write("/etc/private/open.conf", "first hunter2\n", 0o644)
    world.write("/etc/quantum/credentials/s/key", "first hunter2\n", 0o644)
    world.at("/etc/private").chmod(0o700)
    names = ["/etc/open.conf", "/etc/shut.conf", "/etc/private", "/etc/quantum/credentials/s/key"]
    session = world.session()
    take(session, paths=names)
    for path in world.root.glob("etc/**/*"):
        if path.is_file():
            path.write_text(path.read_text().replace("first", "second"))
    plan = session.plan_restore("s1")
    assert "hunter2" not in str(plan)
    shown = {c["path"]: c for c in plan["changes"]}
    assert len(shown) == 4
    assert shown["/etc/open.conf"]["was"]["text"] == "first open\n"
    assert shown["/etc/open.conf"]["now"]["text"] == "second open\n"


def test_a_kill_at_any_boundary_of_taking_leaves_it_whole_or_not_there(new_world):
    world = new_world()
    furnish(world)
    session = world.session(die_at=0)
    total = take(session)["boundaries"]
    assert total > 5
    outcomes = []
    for at in range(1, total + 1):
        world = new_world()
        furnish(world)
        before = tree(world.root)
        session = world.session(die_at=at)
        with pytest.raises(InDoubtError) as doubt:
            take(session)
        assert "backup.list" in doubt.value.action
        assert world.process(session).wait(60) == -9
        again = world.session()
        assert again.hello_said["unfinished"] == []
        listed = again.backups()
        outcomes.append(bool(listed))
        assert [one["damage"] for one in listed] == [""] * len(listed), f"boundary {at}"
        assert tree(world.root) == before, f"boundary {at}"
        take(again, "s2")
        names = {path.name for path in kept_in(world, "").iterdir()}
        assert names == ({"s1", "s2"} if listed else {"s2"}), f"boundary {at}"
        disturb(world)
        restore(again, "s2")
        world.close()
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {True, False}


def test_a_disk_that_is_full_at_any_boundary_of_taking_leaves_nothing_half_kept(new_world):
    world = new_world()
    furnish(world)
    total = take(world.session(die_at=0))["boundaries"]
    for at in range(1, total + 1):
        world = new_world()
        furnish(world)
        session = world.session(full_at=at)
        with pytest.raises(QuantumError, match="No space left") as full:
            take(session)
        assert full.value.action == "free some space on the host and back up again"
        assert list(kept_in(world, "").iterdir()) == [], f"boundary {at}"
        assert session.backups() == []
        world.close()


def test_a_kill_or_a_full_disk_amid_a_restore_puts_back_what_was_there(new_world):
    world = new_world()
    furnish(world)
    session = world.session(die_at=0)
    taken = take(session)["boundaries"]
    disturb(world)
    total = restore(session)["boundaries"] - taken
    assert total > 30
    for at in range(1, total + 1, 7):
        for failpoint in ("die_at", "full_at"):
            world = new_world()
            furnish(world)
            take(world.session())
            disturb(world)
            before = tree(world.root)
            session = world.session(**{failpoint: at})
            expected = InDoubtError if failpoint == "die_at" else AgentError
            with pytest.raises(expected) as failed:
                restore(session)
            again = world.session()
            if failpoint == "full_at":
                assert failed.value.action == "free some space on the host and restore again"
                assert again.hello_said["unfinished"] == []
            again.recover(meta=META)
            assert tree(world.root) == before, f"{failpoint} {at}"
            assert [one["damage"] for one in again.backups()] == [""]
            world.close()
