"""What is refused before anything is broken, and how that is said."""

import json
from dataclasses import replace

from tests.e2e.conftest import person  # noqa: F401


def test_what_cannot_be_run_is_said_before_anything_is_touched(person):  # noqa: F811
    said = person.types("faults.run", "nothing_of_that_name", "--yes", code=3)
    assert "invoke faults.list" in said.stderr
    said = person.types("faults.run", "packets_lost", "--yes", code=3)
    assert "packets_lost cannot run on" in said.stderr
    assert "a network of its own" in said.stderr
    said = person.types("faults.day", "--minutes", "1", code=3)
    assert "fits into 1 minutes" in said.stderr
    said = person.types("faults.replay", str(person.folder / "none.json"), code=3)
    assert "none.json" in said.stderr
    (person.folder / "odd.json").write_text('{"format": 99}')
    said = person.types("faults.replay", str(person.folder / "odd.json"), code=3)
    assert "its format is 99" in said.stderr
    for command in ("faults.resume", "faults.shrink"):
        said = person.types(command, "--id", "2026", code=3)
        assert "no run begins with '2026'" in said.stderr
    assert not person.root.exists()


def test_the_same_seed_is_the_same_day_and_a_dry_run_contacts_nobody(person):  # noqa: F811
    one, again, other = (
        person.asks("faults.day", "--seed", seed, "--minutes", "20", "--dry-run")
        for seed in ("7", "7", "8")
    )
    assert one == again
    assert one["digest"] != other["digest"]
    assert len(one["schedule"]["slots"]) > 3
    every = person.asks("faults.day", "--seed", "7", "--minutes", "180", "--dry-run")
    of = {slot["scenario"]: slot["workload"] for slot in every["schedule"]["slots"]}
    assert "exchange_overloaded" in of
    assert "deploys" not in of.values()  # see commands.fault_runs.drawn_day
    told = person.types("faults.run", "redis_killed", "--seed", "3", "--dry-run").stdout
    assert "kill_redis" in told
    assert "seed 3" in told
    assert not person.root.exists()


def test_nobody_is_broken_unasked_nor_a_host_that_does_not_allow_it(person):  # noqa: F811
    said = person.types("faults.run", "redis_killed", code=3)
    assert "not confirmed" in said.stderr
    assert not person.root.exists()
    person.types("plan")  # boots the sandbox
    said = person.types("faults.run", "redis_killed", "--yes", code=1)
    assert "invoke faults.allow" in said.stderr
    person.types("faults.allow", "--yes", "--minutes", "1")
    said = person.types("faults.run", "redis_killed", "--yes", code=3)
    assert "more minutes" in said.stderr
    assert not (person.folder / "records/faults").exists()


def test_nothing_live_is_ever_broken(person):  # noqa: F811
    text = person.inventory.read_text().replace("mode: sandbox", "mode: live")
    text = text[: text.index("ansible_connection")] + "ansible_host: 127.0.0.1\n"
    live = person.folder / "live.yml"
    live.write_text(text)
    said = replace(person, inventory=live).asks("faults.run", "redis_killed", "--yes", code=3)
    assert "mode live" in json.dumps(said)
