"""Schedules: seeded, full of everything, and never with everybody frozen."""

import pytest

from tests.oracles.schedule import MOST_FROZEN, planned


def test_the_same_seed_gives_the_same_plan():
    assert planned(3, 200, 1_000_000, 4) == planned(3, 200, 1_000_000, 4)
    assert planned(3, 200, 1_000_000, 4) != planned(4, 200, 1_000_000, 4)


@pytest.mark.parametrize("seed", range(20))
def test_every_round_hits_somebody_who_is_awake_and_somebody_always_is(seed):
    frozen = set()
    plan = planned(seed, 200, 1_000_000, 4)
    assert [each.counted for each in plan] == sorted({each.counted for each in plan})
    for _, blows in plan:
        for what, victim in blows[:-1]:
            assert victim in frozen
            assert what in {"thaw", "kill"}
            frozen.discard(victim)
        what, victim = blows[-1]
        assert victim not in frozen
        if what != "kill":
            frozen.add(victim)
        assert len(frozen) <= MOST_FROZEN


@pytest.mark.parametrize("seed", range(20))
def test_two_hundred_rounds_hold_every_way(seed):
    said = [blow.what for each in planned(seed, 200, 1_000_000, 4) for blow in each.blows]
    assert {"kill", "freeze", "absence", "thaw"} == set(said)
