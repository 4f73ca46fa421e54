"""Snapshots on demand in a sandbox, by typing what a person types."""

from __future__ import annotations

ENV = "etc/quantum/p35-decision-intelligence.env"
SECRET = "correct-horse-battery"


def everything_below(folder) -> dict:
    """Every path that is no log, no data and no journal, with its bytes, mode and mtime.

    A directory that is not in the snapshot itself has the time of what happened in it last.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(("var/", "run/", "proc/")):
            status = path.lstat()
            body = path.read_bytes() if path.is_file() and not path.is_symlink() else None
            mtime_ns = 0 if path.is_dir() else status.st_mtime_ns
            found[name] = (status.st_mode, mtime_ns, body)
    return found


def test_managed_files_are_kept_put_back_and_a_rollback_takes_that_back(two_roles):
    person = two_roles
    nothing = person.types("backup", code=1)
    assert "nothing is deployed here" in nothing.stderr
    assert "next: invoke backup --path" in nothing.stderr
    assert person.asks("backup.list")["hosts"] == {"box": []}

    person.types("deploy")
    before = everything_below(person.root)
    taken = person.asks("backup")
    snapshot = taken["snapshot"]
    assert taken["hosts"]["box"]["paths"] > 8
    (listed,) = person.asks("backup.list")["hosts"]["box"]
    assert (listed["id"], listed["whole"]) == (snapshot, True)
    assert listed["bytes"] == taken["hosts"]["box"]["bytes"]
    assert (person.root / "var/lib/quantum-ops/tx" / snapshot).is_dir()

    # changed, gone, and a secret of another day
    env = person.root / ENV
    env.write_text(env.read_text() + "LOG_LEVEL=DEBUG\n")
    (person.root / "etc/systemd/system/quantum-p35-decision-intelligence.service").unlink()
    for credential in (person.root / "etc/quantum/credentials").rglob("redis_password"):
        credential.write_text("another-horse")
    disturbed = everything_below(person.root)

    asked = person.types("backup.restore", "--id", snapshot, code=3)
    assert "not confirmed; nothing was changed" in asked.stderr
    assert f"box  change /{ENV}" in asked.stdout
    assert "create /etc/systemd/system/quantum-p35-decision-intelligence.service" in asked.stdout
    assert everything_below(person.root) == disturbed

    restored = person.types("backup.restore", "--id", snapshot[:-2], "--yes").stdout
    assert "restored: box committed" in restored
    assert everything_below(person.root) == before
    for secret in (SECRET, "another-horse"):
        assert secret not in asked.stdout + asked.stderr + restored
    assert person.asks("backup.restore", "--id", snapshot, "--yes")["state"] == "unchanged"
    assert person.asks("plan")["changes"] == 0
    assert person.asks("drift")["hosts"] == {"box": []}

    # every byte is back, and so is the hand edit: what runs is not what was deployed
    assert person.asks("rollback", code=None)["state"] == "rolled_back"
    assert everything_below(person.root) == disturbed

    kinds = [line.split()[1:3] for line in person.types("history").stdout.splitlines() if line]
    assert ["backup", "kept"] in kinds
    assert ["restore", "restored"] in kinds
    assert snapshot in person.types("ledger.show", "--id", snapshot).stdout
    person.types("ledger.verify")


def test_named_paths_a_damaged_snapshot_and_what_is_refused(person):
    for path in ("etc/hosts", "/proc/1/environ", "/dev", "/var/lib/quantum-ops/tx", "/"):
        refused = person.types("backup", "--path", path, code=3)
        assert "backup: " in refused.stderr
        assert "next: " in refused.stderr
    assert not (person.folder / "records").exists()

    person.types("plan")  # boots the sandbox
    app = person.root / "etc/app"
    app.mkdir(parents=True)
    (app / "open.conf").write_text("one\n")
    (app / "open.conf").chmod(0o644)
    taken = person.asks("backup", "--path", "/etc/app/", "--path", "/etc/not-there")
    assert taken["hosts"]["box"]["paths"] == 3
    (app / "open.conf").write_text("two\n")
    (person.root / "etc/not-there").write_text("here\n")
    second = person.asks("backup", "--path", "/etc/app")["snapshot"]

    first = taken["snapshot"]
    assert "may be" in person.types("backup.restore", "--id", first[:4], code=3).stderr
    assert "--id says which" in person.types("backup.restore", code=3).stderr
    assert "no snapshot begins" in person.types("backup.restore", "--id", "x", code=3).stderr

    (person.root / "var/lib/quantum-ops/tx" / second / "backups").rename(person.folder / "lost")
    damaged = person.types("backup.list", code=1).stdout
    assert any(second in line and "DAMAGED" in line for line in damaged.splitlines())
    assert damaged.count("DAMAGED") == 1
    refused = person.types("backup.restore", "--id", second, "--yes", code=1)
    assert f"box, check: the snapshot {second} is damaged" in refused.stderr
    assert (app / "open.conf").read_text() == "two\n"

    told = person.asks("backup.restore", "--id", first, "--yes")
    assert told["state"] == "restored"
    plan = {each["path"]: each for each in told["plan"]["box"]["changes"]}
    assert {"-two", "+one"} <= set(plan["/etc/app/open.conf"]["lines"])
    assert plan["/etc/not-there"]["verb"] == "remove"
    assert (app / "open.conf").read_text() == "one\n"
    assert not (person.root / "etc/not-there").exists()
