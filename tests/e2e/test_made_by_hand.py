"""What people made by hand: a hotfix comes home as a patch, and a host set up before is adopted."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import PROJECT
from tests.e2e.test_sandbox_story import ENV, manifest

NAME = "quantum-p35-decision-intelligence.service"
UNIT = f"etc/systemd/system/{NAME}"
CONFIG = "etc/redis/redis.conf"
DROP_IN = f"{UNIT}.d/override.conf"
#: What a person has who clones the project, and what is built beside it.
CLONED = (
    "commands", "consumers", "fault_injection", "harness", "inventory", "lab", "proofs",
    "requirements", "roles", "streams", "templates", "tasks.py", "invoke.yaml", ".cache",
)  # fmt: skip


@pytest.fixture
def at_home(two_roles):
    """A person with a clone of the project of their own."""
    project = two_roles.folder / "project"
    project.mkdir()
    (PROJECT / ".cache").mkdir(exist_ok=True)
    for name in CLONED:
        if name == "templates":
            shutil.copytree(PROJECT / name, project / name)
        else:
            (project / name).symlink_to(PROJECT / name)
    for name in ("harness", "commands"):  # they look for templates beside themselves
        (project / name).unlink()
        shutil.copytree(PROJECT / name, project / name)
    return replace(two_roles, project=project)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_hotfix_comes_home_and_the_next_deploy_loses_nothing_of_it(at_home):
    person, root = at_home, at_home.root
    person.types("deploy")
    edit(root / UNIT, "RestartSec=2\n", "RestartSec=9\n")
    edit(root / ENV, "LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG")
    edit(root / CONFIG, "timeout 0\n", "timeout 300\nmasterauth letmein1234\n")
    (root / DROP_IN).parent.mkdir()
    (root / DROP_IN).write_text("[Service]\nWatchdogSec=45\n")
    before = manifest(root)

    refused = person.types("deploy", code=2)
    for told in (f"/{DROP_IN} (a drop-in of {NAME}", "+WatchdogSec=45", "drift -i", "--capture"):
        assert told in refused.stderr
    said = person.asks("drift", "--capture", code=2)
    assert {each["path"] for each in said["hosts"]["box"]} == {
        f"/{UNIT}", f"/{ENV}", f"/{CONFIG}", f"/{DROP_IN}", NAME,
    }  # fmt: skip
    found = {each["path"]: each for each in said["captured"]["hosts"]["box"]}
    assert manifest(root) == before
    templates = sorted(path for path in (PROJECT / "templates").rglob("*") if path.is_file())
    mine = {path: person.project / path.relative_to(PROJECT) for path in templates}
    assert all(mine[path].read_bytes() == path.read_bytes() for path in templates)
    folder = Path(said["captured"]["folder"])
    assert folder.parent == person.project / "drift-captured"
    written = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert not [path for path in written if "letmein" in written[path]]
    assert (person.project / found[f"/{DROP_IN}"]["kept"]).read_text().endswith("WatchdogSec=45\n")
    assert "next: git apply drift-captured/" in written[folder / "what-to-do.txt"]
    assert found[f"/{ENV}"]["settings"] == {"log_level": "DEBUG"}

    for path in (UNIT, CONFIG):
        patch = found[f"/{path}"]["patch"]
        subprocess.run(["git", "apply", patch], cwd=person.project, check=True, timeout=30)
    edit(person.inventory, "    redis_port", "    log_level: DEBUG\n    redis_port")
    told = {each["path"]: each for each in person.asks("plan")["hosts"]["box"]["drifted"]}
    for path in (UNIT, ENV):
        assert "wanted now" in told[f"/{path}"]["lines"][-1]
    # redis.conf had a line that stayed on the host, so all of it is the hand's still
    lost = person.types("deploy", code=2).stderr
    assert all(told in lost for told in (f"/{CONFIG} (", f"/{DROP_IN} ("))
    assert f"/{ENV} (" not in lost
    assert person.asks("deploy", "--overwrite-drift")["state"] == "committed"
    over = person.asks("ledger.show")["statement"]["predicate"]["overwritten"]
    assert {each["path"] for each in over} == {f"/{CONFIG}", f"/{DROP_IN}"}
    assert person.asks("drift")["hosts"] == {"box": []}
    assert person.asks("plan")["changes"] == 0
    assert "timeout 300" in (root / CONFIG).read_text()
    assert not (root / DROP_IN).exists()

    # every byte of the hand's is back, the drop-in too: what runs is not what was deployed
    assert person.asks("rollback", code=1)["state"] == "rolled_back"
    after = manifest(root)
    assert {path for path in after if after[path] != before.get(path)} == set()


def lay(path: Path, chance: random.Random) -> None:
    """Put something at a path, as a person or a package may have left it."""
    kind = chance.choice(["file", "file", "link", "absent"])
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "link":
        path.symlink_to(chance.choice(["/nowhere", "ü", "../hand"]))
    elif kind == "file":
        path.write_bytes(chance.choice([b"", b"[Service]\n# mine\n", b"\0\xff", b"x" * 70_000]))
        path.chmod(chance.choice([0o644, 0o600, 0o4755, 0o444, 0o777]))
    if kind != "absent":
        when = chance.randrange(2 * 10**18)
        os.utime(path, ns=(when, when), follow_symlinks=False)


def test_a_host_set_up_by_hand_is_adopted_and_rollback_returns_to_it(two_roles):
    person = two_roles
    steps = person.asks("plan")["hosts"]["box"]["steps"]
    paths = [person.root / s["what"].lstrip("/") for s in steps if s["do"] == "file"]
    paths += [person.root / s["what"].lstrip("/") for s in steps if s["do"] == "symlink"]
    assert len(paths) > 6
    for seed in (2, 11):
        chance = random.Random(seed)
        for path in paths:
            lay(path, chance)
        there = {f"/{p.relative_to(person.root)}" for p in paths if os.path.lexists(p)}
        before = manifest(person.root)
        planned = person.asks("plan")["hosts"]["box"]
        adopted = [each for each in planned["steps"] if each["verb"] == "adopt"]
        assert there == {each["what"] for each in adopted if each["do"] != "dir"}
        assert planned["drifted"] == []
        assert person.asks("deploy")["state"] == "committed"
        assert person.asks("rollback")["state"] == "rolled_back"
        assert manifest(person.root) == before
        for path in paths:
            path.unlink(missing_ok=True)
