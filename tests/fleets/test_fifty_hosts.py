"""Fifty hosts, one of them a black hole: it is told of by its deadline, the others are done."""

import time

import pytest

from harness.errors import UnreachableError
from harness.host import Host

#: What the black hole is given, in seconds; and what the machine may take for everything.
ANSWERS_WITHIN_S, ALL_WITHIN_S = 3, 200


def hole(port: int) -> Host:
    values = {"reach_within_s": ANSWERS_WITHIN_S}
    return Host("hole", "fleet", "sandbox", (), address="127.0.0.1", port=port, values=values)


def test_one_black_hole_among_fifty_hosts_ends_by_its_deadline_and_the_others_are_done(
    fleet, blackhole
):
    fleet.grow(49)
    fleet.others = [hole(blackhole)]
    begun = time.monotonic()
    outcome = fleet.deploys("1,3,50%", max_fail=1)
    assert time.monotonic() - begun < ALL_WITHIN_S
    assert (outcome.state, outcome.exit_code) == ("committed", 1)
    assert len(fleet.changed()) == 49
    assert [len(names) for names in fleet.gated] == [1, 3, 25, 20]
    told = fleet.last_record()
    assert told["left_out"]["hole"]["cause"] == f"not connected after {ANSWERS_WITHIN_S} s"
    assert [len(batch["hosts"]) for batch in told["batches"]] == [1, 3, 25, 20]


def test_without_max_fail_the_same_black_hole_ends_the_deploy_with_nothing_changed(
    fleet, blackhole
):
    fleet.grow(2)
    fleet.others = [hole(blackhole)]
    with pytest.raises(UnreachableError, match="not connected after"):
        fleet.deploys()
    assert [fleet.pasts(name) for name in fleet.worlds] == [[], []]
