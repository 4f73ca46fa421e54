"""Batches and hosts that are down, typed as a person types them."""

from __future__ import annotations

from harness.ledger.records import opened

DEAD = """\
        dead:
          ansible_host: 127.0.0.1
          ansible_port: 1
          reach_within_s: 20
"""


def test_bad_words_are_configuration_errors_and_nothing_is_booted(person):
    assert "no size of a batch" in person.types("deploy", "--serial", "1,none", code=3).stderr
    assert "no number of hosts" in person.types("deploy", "--max-fail", "some", code=3).stderr
    assert not person.root.exists()


def test_a_host_that_is_down_ends_the_deploy_unless_it_may_be_left_out(person):
    person.inventory.write_text(person.inventory.read_text() + DEAD)
    refused = person.types("deploy", code=1)
    assert "dead, connecting" in refused.stderr
    assert not (person.root / "var/lib/quantum-ops/tx").exists()
    told = person.asks(
        "deploy", "--serial", "1,50%", "--max-fail", "1", "--commit-per-batch", code=1
    )
    assert told["state"] == "committed"
    assert told["hosts"] == {"box": "committed", "dead": "left_out"}
    assert told["batches"] == [{"hosts": ["box"], "state": "committed"}]
    assert "refused" in told["left_out"]["dead"]["cause"]
    record = person.folder / "records" / told["transaction"]
    kept = opened((record / "statement.json").read_bytes())["predicate"]
    assert kept["batches"] == told["batches"]
    assert kept["left_out"] == told["left_out"]
    person.types("ledger.verify")
