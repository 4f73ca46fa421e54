"""Going back further, and over what people changed by hand since."""

from pathlib import Path

import pytest

from harness.errors import AgentError
from tests.agent.worlds import file, folder, link, tree


def test_rollback_to_undoes_everything_newer_newest_first(world):
    for number in range(1, 5):
        world.deploy([file("/etc/a", f"{number}\n"), file(f"/etc/{number}")], f"z{9 - number}")
        if number == 1:
            kept = tree(world.root)
    said = world.session().rollback(to="z8")
    assert [one["tx"] for one in said["undone"]] == ["z5", "z6", "z7"]
    assert said["paths"]["/etc/a"]["kind"] == "file"
    assert said["paths"]["/etc/4"] == {"kind": "absent"}
    assert tree(world.root) == kept


def test_only_the_newest_deploy_is_undone_alone(world):
    world.deploy([file("/etc/a", "1")], "t1")
    world.deploy([file("/etc/a", "2")], "t2")
    with pytest.raises(AgentError, match="t2 was deployed after t1"):
        world.session().rollback("t1")
    assert world.at("/etc/a").read_text() == "2"


def test_a_rollback_without_anything_to_undo_says_so(world):
    with pytest.raises(AgentError, match="nothing to roll back"):
        world.session().rollback()
    world.deploy([file("/etc/a")])
    world.session().rollback()
    with pytest.raises(AgentError, match="nothing to roll back"):
        world.session().rollback()
    with pytest.raises(AgentError, match="no transaction 'nonsense'"):
        world.session().rollback("nonsense")


def test_what_was_changed_by_hand_is_kept_and_named(world):
    world.write("/etc/a", "first\n")
    before = tree(world.root)
    world.deploy([file("/etc/a"), folder("/etc/made"), link("/etc/l", "a")])
    world.at("/etc/a").write_text("hotfix\n")
    world.write("/etc/made/notes", "keep me\n")
    world.at("/etc/l").unlink()
    world.at("/etc/l").symlink_to("elsewhere")
    said = world.session().rollback()
    kept = {one["path"]: one["kept_as"] for one in said["undone"][0]["drifted"]}
    assert set(kept) == {"/etc/a", "/etc/made/notes", "/etc/l"}
    assert Path(kept["/etc/a"]).read_text() == "hotfix\n"
    assert Path(kept["/etc/made/notes"]).read_text() == "keep me\n"
    assert tree(world.root) == before


def test_a_file_that_somebody_removed_or_replaced_by_a_directory_comes_back(world):
    world.write("/etc/a", "first\n")
    world.write("/etc/b", "first\n")
    before = tree(world.root)
    world.deploy([file("/etc/a"), file("/etc/b")])
    world.at("/etc/a").unlink()
    world.at("/etc/b").unlink()
    world.write("/etc/b/inside")
    world.session().rollback()
    assert tree(world.root) == before


def test_the_transactions_are_told_in_the_order_in_which_they_happened(world):
    for name in ("t9", "t10", "a1"):
        world.deploy([file("/etc/a", name)], name)
    said = world.session().transactions()
    assert [one["id"] for one in said] == ["t9", "t10", "a1"]
    assert [one["sequence"] for one in said] == [1, 2, 3]
    assert said[0]["operator"] == "ada"
    assert said[0]["paths"] == ["/etc/a"]
