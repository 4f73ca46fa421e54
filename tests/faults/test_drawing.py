"""A drawn day: the same bytes for the same seed, never more than the caps, all undone in time."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fault_injection.chance import Chance
from fault_injection.faults import REGISTRY as FAULTS
from fault_injection.faults.fault import AGENT, CONSUMERS, EXECUTION, REDIS
from fault_injection.scenarios import REGISTRY
from fault_injection.scenarios.scenario import Scenario, Use
from fault_injection.schedules import Caps, decode, digest, draw, encode, obstacles, told
from fault_injection.schedules.drawing import AFTER_S, BEFORE_S
from harness.agent.injecting import touched
from harness.errors import ConfigurationError
from tests.faults.aims import lab, sandbox, target

PROJECT = Path(__file__).resolve().parents[2]
ALL = list(REGISTRY.values())
SHORT = [each for each in ALL if not each.every_ms]
SEEDS = st.integers(0, 2**64)
FEW = settings(max_examples=12, deadline=None, derandomize=True)
KILLS = Scenario(
    name="kills", family="consumer", about="Kills.", workload="decision_made", per_s=1,
    uses=(Use(fault=FAULTS["kill_consumer"], times=(3, 5)),), checkers=(), claims=(),
)  # fmt: skip
#: Of a day of KILLS alone.
DIGEST = "9ed90de87033d0e1ac813ff831de982cde9cc340226fc8b32f8da9c04fc3be01"
PROGRAM = """
import sys
from fault_injection.scenarios import REGISTRY
from fault_injection.schedules import draw, encode
from tests.faults.aims import lab
sys.stdout.buffer.write(encode(draw(7, set(REGISTRY.values()), set(lab()), 30)))
"""


LONG = replace(
    KILLS,
    name="long",
    uses=tuple(
        Use(fault=FAULTS[each]) for each in ("freeze_consumer", "cut_off_redis", "hold_consumer")
    ),
)


def wrong(schedule):
    """All that a schedule must not have, in words."""
    return [*over_the_caps(schedule), *out_of_time(schedule), *not_in_order(schedule)]


def over_the_caps(schedule):
    for one in schedule.faults:
        now = [each for each in schedule.faults if each.at_ms <= one.at_ms < each.over_ms]
        broken = [each for each in now if each.by == AGENT]
        if len(now) > schedule.caps.faults:
            yield f"{len(now)} at once at {one.number}"
        if len({each.host for each in broken}) > schedule.caps.hosts:
            yield f"too many hosts at {one.number}"
        beside = [each for each in broken if each is not one and each.host == one.host]
        for each in beside if one.by == AGENT else ():
            if names(each) & names(one):
                yield f"{each.number} and {one.number} touch the same"


def names(one):
    return {word for step in one.words for word in touched(step)}


def out_of_time(schedule):
    for one in schedule.faults:
        if not one.at_ms < one.undo_at_ms <= one.over_ms <= 60_000 * schedule.minutes:
            yield f"{one.number} is not undone in time"
    for slot in schedule.slots:
        within = [one for one in schedule.faults if slot.from_ms <= one.at_ms < slot.to_ms]
        begin_ms, end_ms = slot.from_ms + 1000 * BEFORE_S, slot.to_ms - 1000 * AFTER_S
        uses = {**REGISTRY, LONG.name: LONG}[slot.scenario].uses
        if {one.fault for one in within} != {use.fault.name for use in uses}:
            yield f"{slot.scenario} has not all of its faults"
        if any(one.at_ms < begin_ms or one.over_ms > end_ms for one in within):
            yield f"{slot.scenario} has a fault before its steady state or in its recovery"


def not_in_order(schedule):
    if [one.number for one in schedule.faults] != list(range(1, len(schedule.faults) + 1)):
        yield "not numbered in order"
    if sorted(schedule.faults, key=lambda one: one.at_ms) != list(schedule.faults):
        yield "not in the order of time"


@pytest.mark.parametrize("hashseed", ["0", "4711"])
def test_the_same_seed_gives_the_same_bytes_in_another_process(hashseed):
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": ".", "PYTHONHASHSEED": hashseed},
    ).stdout  # fmt: skip
    assert said == encode(draw(7, ALL, lab(), 30))


def test_chance_is_what_it_was():
    """Written down once: if this changes, no seed of before draws its day any more (FORMAT)."""
    chance = Chance("day", 7)
    assert [chance.below(1000) for _ in range(6)] == [879, 157, 686, 740, 541, 139]
    assert digest(draw(7, [KILLS], lab(), 10)) == DIGEST


def test_chance_of_a_part_does_not_depend_on_what_was_drawn():
    one, other = Chance(1), Chance(1)
    one.below(10)
    assert [one.of("x").below(10**9), one.of("y").below(10**9)] == [
        other.of("x").below(10**9), other.of("y").below(10**9),
    ]  # fmt: skip
    assert Chance(1, 2).below(10**9) != Chance("1", 2).below(10**9) != Chance(12).below(10**9)


@given(st.integers(1, 50), SEEDS)
@FEW
def test_chance_stays_within_its_bounds(bound, seed):
    chance = Chance(seed)
    assert all(0 <= chance.below(bound) < bound for _ in range(20))
    assert {Chance(seed, n).between(3, 4) for n in range(64)} == {3, 4}
    assert sorted(chance.shuffled(range(bound))) == list(range(bound))


@given(SEEDS, st.integers(4, 25), st.integers(2, 4), st.integers(1, 3))
@FEW
def test_no_cap_is_ever_passed_and_all_is_undone_before_the_end(seed, minutes, most, hosts):
    schedule = draw(seed, ALL, lab(), minutes, Caps(faults=most, hosts=hosts))
    assert wrong(schedule) == []


@given(SEEDS)
@FEW
def test_with_a_cap_of_one_nothing_comes_amid_anything(seed):
    schedule = draw(seed, ALL, lab(), 10, Caps(faults=1, hosts=1))
    assert wrong(schedule) == []
    assert not {"disk_full_at_restart", "releases_locked_at_restart"} & {
        slot.scenario for slot in schedule.slots
    }


@given(SEEDS, st.integers(3, 12), st.integers(0, 12))
@FEW
def test_a_longer_day_begins_with_all_of_the_shorter_one(seed, minutes, more):
    short, long = draw(seed, ALL, lab(), minutes), draw(seed, ALL, lab(), minutes + more)
    assert long.slots[: len(short.slots)] == short.slots
    assert long.faults[: len(short.faults)] == short.faults


@given(SEEDS, st.randoms(use_true_random=False))
@FEW
def test_the_order_in_which_they_are_given_does_not_matter(seed, shuffled):
    scenarios, targets = list(ALL), lab()
    shuffled.shuffle(scenarios)
    shuffled.shuffle(targets)
    assert encode(draw(seed, scenarios, targets, 6)) == encode(draw(seed, ALL, lab(), 6))


def test_all_come_before_any_comes_again_and_another_seed_is_another_day():
    (one, other) = (draw(seed, ALL, lab(), 150) for seed in (1, 2))
    names = [slot.scenario for slot in one.slots]
    able = {each.name for each in SHORT if "lab" in each.where}
    assert set(names[: len(able)]) == able
    assert len(names) > len(able)
    assert names != [slot.scenario for slot in other.slots]


def test_what_is_amid_another_fault_is_there_and_undone_after_it():
    for seed in range(20):
        first, *others = draw(seed, [REGISTRY["disk_full_at_restart"]], lab(), 3).faults
        assert first.fault == "fill_disk"
        assert others
        for each in others:
            assert each.host == first.host
            assert first.at_ms < each.at_ms < first.undo_at_ms < each.undo_at_ms


def test_what_finds_no_moment_comes_after_the_others_and_its_slot_is_longer():
    lengths = set()
    for seed in range(8):
        days = draw(seed, [LONG], lab(), 9, Caps(faults=1, hosts=1))
        assert wrong(days) == []
        lengths |= {slot.to_ms - slot.from_ms for slot in days.slots}
    assert max(lengths) > 1000 * (BEFORE_S + LONG.faults_for_s + AFTER_S)


def test_the_variants_that_break_a_rule_are_found():
    schedule = draw(3, ALL, lab(), 20)
    first, second, *rest = schedule.faults
    one_more = replace(first, undo_at_ms=60_000 * 21, ttl_s=60 * 21)
    for broken in (
        replace(schedule, minutes=1),
        replace(schedule, caps=Caps(faults=1, hosts=1)),
        replace(schedule, faults=(one_more, second, *rest)),
        replace(schedule, faults=(second, first, *rest)),
        replace(schedule, faults=(replace(first, at_ms=0), second, *rest)),
        replace(schedule, faults=tuple(rest)),
    ):
        assert wrong(broken)


def test_the_bytes_can_be_read_and_what_is_none_is_refused():
    schedule = draw(11, ALL, lab(), 12)
    assert decode(encode(schedule)) == schedule
    assert encode(schedule) == encode(schedule).decode("ascii").encode()
    raw = encode(schedule)
    for bad in (b"", b"{}", raw[:-5], raw.replace(b'"format":1', b'"format":2'),
                raw.replace(b'"at_ms"', b'"at_s"')):  # fmt: skip
        with pytest.raises(ConfigurationError, match="no schedule"):
            decode(bad)


def test_what_cannot_be_drawn_says_why():
    with pytest.raises(ConfigurationError, match="no scenario can run"):
        draw(1, [REGISTRY["packets_lost"]], sandbox(), 60)
    with pytest.raises(ConfigurationError, match="kills fits into 1 minutes") as said:
        draw(1, [KILLS], lab(), 1)
    assert "give it 3 minutes" in str(said.value)
    for minutes in (0, -1, 24 * 60 + 1):
        with pytest.raises(ConfigurationError, match="a day of"):
            draw(1, [KILLS], lab(), minutes)
    for words in ({"faults": 0}, {"faults": 9}, {"hosts": 0}):
        with pytest.raises(ConfigurationError, match="at once"):
            Caps(**words)


def test_what_stands_in_the_way_of_a_scenario_is_told():
    assert obstacles(KILLS, []) == (f"no host runs {' or '.join(CONSUMERS)}",)
    alone = [target(EXECUTION), target(REDIS, "lab1")]
    assert "second unit" in obstacles(REGISTRY["consumer_frozen"], alone)[0]
    assert obstacles(REGISTRY["disk_full_at_restart"], alone, Caps(faults=1))[0].startswith(
        "it needs"
    )
    named = [target(EXECUTION, can=("own network",))]
    assert "takes addresses" in obstacles(REGISTRY["packets_lost"], [
        replace(each, service=CONSUMERS[0]) for each in named
    ])[0]  # fmt: skip
    can = ("own mounts",)
    apart = [target(EXECUTION, "lab2", can=can), target(EXECUTION, "lab3", can=())]
    assert obstacles(REGISTRY["disk_full_at_restart"], apart) == ()


def test_a_person_is_told_each_scenario_and_each_fault_with_its_words():
    schedule = draw(7, ALL, lab(password_file="/etc/quantum/redis_password"), 30)
    assert b"/etc/quantum/redis_password" in encode(schedule)
    lines = told(schedule)
    assert digest(schedule) in lines[1]
    assert len(lines) == 2 + len(schedule.slots) + len(schedule.faults)
    for one in schedule.faults:
        (line,) = [each for each in lines if f"  {one.number}  {one.fault}  " in each]
        assert str(one.words[0]["do"]) in line
        assert one.by != AGENT or one.host in line
        assert "password" not in line


def test_one_that_takes_a_thousand_faults_is_run_alone_and_one_comes_after_the_other():
    endless = REGISTRY["thousand_deaths"]
    day = draw(7, [endless], sandbox(), 60)
    one = [each for each in day.faults if each.at_ms < day.slots[0].to_ms]
    counts = {
        name: sum(each.fault == name for each in one) for name in ("kill_consumer", "kill_redis")
    }
    assert counts == {"kill_consumer": 1_000, "kill_redis": 6}
    killed = [each for each in one if each.fault == "kill_consumer"]
    assert {each.unit for each in killed} == {
        each.unit for each in sandbox() if each.service in CONSUMERS
    }
    for before, after in pairwise(one):
        assert before.at_ms < after.at_ms
        assert (before.unit, before.fault) != (after.unit, after.fault)
        waits = 0 if before.fault == "kill_consumer" else before.undo_at_ms - before.at_ms
        assert after.at_ms - before.at_ms >= waits
    assert endless.per_s * (day.slots[0].faults_to_ms - day.slots[0].from_ms) >= 1_000_000 * 1_000
