"""A failing schedule shrinks to the faults that it needs, and broken shrinkers are found out."""

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fault_injection.scenarios import REGISTRY
from fault_injection.schedules import draw, encode, shrink
from fault_injection.schedules.shrinking import ddmin
from tests.faults.aims import lab

FEW = settings(max_examples=40, deadline=None, derandomize=True)
SIZES = st.integers(1, 24)


def loses(schedule):
    """A consumer with a planted bug, played through: does it lose an entry?

    It takes over what a dead one left, remembers it in memory alone, and acknowledges it only when
    Redis has come back once: a kill of Redis after a stale claim loses it, if a router was killed
    in between.
    """
    taken, forgotten = False, False
    for fault in schedule.faults:
        taken |= fault.fault == "die_with_pending"
        forgotten |= taken and fault.fault == "kill_consumer" and "router" in fault.unit
        if forgotten and fault.fault in ("kill_redis", "restart_redis"):
            return True
    return False


@cache
def failing(faults=20):
    """The first drawn schedule of so many faults that fails."""
    for seed in range(100):
        schedule = draw(seed, REGISTRY.values(), lab(), 60)
        schedule = replace(schedule, faults=schedule.faults[:faults])
        if len(schedule.faults) == faults and loses(schedule):
            return schedule
    raise AssertionError("no seed fails")


def test_a_schedule_of_twenty_faults_with_a_planted_bug_shrinks_to_three():
    whole = failing()
    found = shrink(whole, loses)
    assert found.minimal
    assert len(found.schedule.faults) == 3
    assert loses(found.schedule)
    assert found.calls < 100
    # the same faults at the same moments, in the same order, amid the same slots
    left = iter(whole.faults)
    assert all(one in left for one in found.schedule.faults)
    assert replace(found.schedule, faults=whole.faults) == whole
    assert encode(shrink(whole, loses).schedule) == encode(found.schedule)


def one_minimal(shrinker, size, needed):
    """Tell whether what a shrinker returns fails, in order, and not without any one of it."""
    asked = lambda few: needed <= set(few)  # noqa: E731 - what is monotone
    left = list(shrinker(range(size), asked))
    fewer = [left[:place] + left[place + 1 :] for place in range(len(left))]
    return left == sorted(set(left)) and asked(left) and not any(map(asked, fewer))


@given(SIZES.flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))))
@FEW
def test_what_fails_with_a_set_of_them_shrinks_to_that_set(case):
    size, needed = case
    assert one_minimal(lambda items, fails: ddmin(items, fails, 10_000).left, size, needed)
    assert set(ddmin(range(size), lambda few: needed <= set(few), 10_000).left) == needed


@given(
    SIZES.flatmap(
        lambda size: st.tuples(
            st.just(size),
            st.lists(st.sets(st.integers(0, size - 1), min_size=1), min_size=1, max_size=4),
        )
    )
)
@FEW
def test_what_fails_with_any_of_several_sets_shrinks_to_one_of_them(case):
    size, sets = case
    fails = lambda few: any(needed <= set(few) for needed in sets)  # noqa: E731
    assert set(ddmin(range(size), fails, 10_000).left) in sets


def only_halves(items, fails):
    """A broken shrinker: parts are tried, and never all but a part."""
    left = list(items)
    while len(left) > 1:
        half = len(left) // 2
        smaller = [each for each in (left[:half], left[half:]) if fails(each)]
        if not smaller:
            break
        left = smaller[0]
    return left


def coarse(items, fails):
    """A broken shrinker: it stops at quarters."""
    left, parts = list(items), 4
    size = max(1, len(left) // parts)
    for begin in range(0, len(left), size):
        rest = [each for each in left if each not in items[begin : begin + size]]
        left = rest if fails(rest) else left
    return left


def hasty(items, fails):
    """A broken shrinker: what it drops last is not asked for."""
    return list(ddmin(items, fails, 10_000).left)[:-1]


def turned(items, fails):
    """A broken shrinker: what is left is in another order."""
    return list(reversed(ddmin(items, fails, 10_000).left))


@pytest.mark.parametrize("broken", [only_halves, coarse, hasty, turned])
def test_a_broken_shrinker_is_refuted(broken):
    cases = [(size, {0, size // 2, size - 1}) for size in range(5, 12)]
    assert not all(one_minimal(broken, size, needed) for size, needed in cases)


def test_the_runs_are_bounded_and_what_is_left_then_fails_still():
    asked = []

    def fails(few):
        asked.append(tuple(few))
        return {3, 17, 31} <= set(few)

    found = ddmin(range(40), fails, 15)
    assert not found.minimal
    assert found.calls == len(asked) <= 15
    assert {3, 17, 31} <= set(found.left) < set(range(40))
    asked.clear()
    assert ddmin(range(40), fails, 1_000).left == (3, 17, 31)
    assert len(asked) == len(set(asked))  # none is run twice


def test_what_fails_without_any_fault_is_told_and_what_does_not_fail_is_refused():
    assert ddmin(range(8), lambda _: True).left == ()
    with pytest.raises(ValueError, match="does not fail"):
        shrink(failing(), lambda _: False)
