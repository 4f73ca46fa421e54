"""Draw a day from a seed: scenarios one after the other, each with its faults at drawn moments.

Pure. Every slot has a chance of its own and a length that does not depend on the day's, so that a
longer day begins with all of the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from fault_injection.chance import Chance
from fault_injection.faults.fault import AGENT, LAPTOP, NEEDS, SPARE_S, Aim, Target
from fault_injection.scenarios.scenario import Scenario, Use
from fault_injection.schedules.schedule import Caps, Planned, Schedule, Slot
from harness.agent.injecting import touched
from harness.errors import ConfigurationError

#: Before the first fault the steady state is looked at, after the last one the recovery.
BEFORE_S, AFTER_S = 15, 60
#: A day, and not a mistake in typing.
MOST_MINUTES = 24 * 60
#: A fault begins at a multiple of this.
GRID_MS = 500
#: In a row without an end a unit has so many turns to come up by itself.
TURNS = 4
#: What is injected amid another fault lasts so much longer than that one.
AFTER_THE_FIRST_S = 1


def draw(
    seed: int,
    scenarios: Iterable[Scenario],
    targets: Iterable[Target],
    minutes: int,
    caps: Caps | None = None,
) -> Schedule:
    """Return the day of a seed; scenarios that cannot run on these targets are not in it.

    Raises ConfigurationError where none can, or where not even one fits into the time.
    """
    caps = caps or Caps()
    if not 1 <= minutes <= MOST_MINUTES:
        raise ConfigurationError(
            f"a day of {minutes} minutes", step="schedule", action=f"1 to {MOST_MINUTES} minutes"
        )
    aims = sorted(targets, key=lambda each: (each.host, each.unit))
    able = [each for each in scenarios if not obstacles(each, aims, caps)]
    if len(able) > 1:  # one that takes so long is run alone
        able = [each for each in able if not each.every_ms]
    able.sort(key=lambda each: each.name)
    if not able:
        raise ConfigurationError(
            "no scenario can run on these hosts", step="schedule",
            action="invoke faults.list -i INVENTORY: it tells why",
        )  # fmt: skip
    slots, faults, at_ms = list[Slot](), list[Planned](), 0
    for number, scenario in enumerate(_in_turn(Chance("day", seed), able)):
        chance = Chance("slot", seed, number)
        begin_ms = at_ms + 1000 * BEFORE_S
        placed = (
            _one_after_the_other(scenario, begin_ms, aims, chance)
            if scenario.every_ms
            else _faults(scenario, begin_ms, aims, chance, caps)
        )
        slot = _slot(scenario, chance, at_ms, max(each.over_ms for each in placed))
        if slot.to_ms > 60_000 * minutes:
            break
        slots.append(slot)
        faults += _numbered(placed, len(faults))
        at_ms = slot.to_ms
    if not slots:
        raise ConfigurationError(
            f"not even {scenario.name} fits into {minutes} minutes", step="schedule",
            action=f"give it {-(-slot.to_ms // 60_000)} minutes or more",
        )  # fmt: skip
    return Schedule(seed=seed, minutes=minutes, caps=caps, slots=tuple(slots), faults=tuple(faults))


def obstacles(
    scenario: Scenario, targets: Sequence[Target], caps: Caps | None = None
) -> tuple[str, ...]:
    """Return why a scenario cannot run on these targets, () when it can."""
    why = list[str]()
    for use in scenario.uses:
        there = [each for each in targets if each.service in use.services]
        if not there:
            why.append(f"no host runs {' or '.join(use.services)}")
        elif not (able := [each for each in there if not use.fault.missing(each)]):
            least = min((use.fault.missing(each) for each in there), key=len)
            why += [NEEDS[each] for each in least]
        elif not any(_possible(use, each, targets) for each in able):
            why.append("no service has a second unit to take over")
    amid = [use for use in scenario.uses if use.amid]
    if not why and amid and not _hosts_for_all(scenario, targets):
        why.append("no single host has all that it needs")
    if amid and caps and caps.faults < 1 + len(amid):
        why.append(f"it needs {1 + len(amid)} faults at once")
    return tuple(dict.fromkeys(why))


def _in_turn(chance: Chance, scenarios: Sequence[Scenario]) -> Iterator[Scenario]:
    """Yield all of them in a drawn order, then all in another one, for ever."""
    for turn in count():
        yield from chance.of(turn).shuffled(scenarios)


def _slot(scenario: Scenario, chance: Chance, at_ms: int, over_ms: int) -> Slot:
    begin_ms = at_ms + 1000 * BEFORE_S
    end_ms = max(begin_ms + 1000 * scenario.faults_for_s, over_ms)
    return Slot(
        scenario=scenario.name, workload=scenario.workload, per_s=scenario.per_s,
        seed=chance.of("workload").below(1 << 32), from_ms=at_ms, faults_from_ms=begin_ms,
        faults_to_ms=end_ms, to_ms=end_ms + 1000 * AFTER_S,
    )  # fmt: skip


def _faults(
    scenario: Scenario, begin_ms: int, targets: Sequence[Target], chance: Chance, caps: Caps
) -> list[Planned]:
    """Place the first of every use, then the others as far as there is room under the caps."""
    wanted = [
        (nth, index, use)
        for index, use in enumerate(scenario.uses)
        for nth in range(chance.of("times", index).between(*use.times))
    ]
    placed = list[Planned]()
    for nth, index, use in sorted(wanted, key=lambda each: each[:2]):
        part = chance.of(index, nth)
        one = _aimed(scenario, use, begin_ms, targets, placed, part)
        first_ms, last_ms = begin_ms, begin_ms + 1000 * scenario.faults_for_s
        last_ms -= one.over_ms - one.at_ms
        if use.amid:
            first_ms, last_ms = placed[0].at_ms + GRID_MS, placed[0].undo_at_ms - GRID_MS
        moments = [_moved(one, at_ms) for at_ms in range(first_ms, last_ms, GRID_MS)]
        free = [each for each in moments if _fits(each, placed, caps, amid=use.amid)]
        if free:
            placed.append(part.one_of(free))
        elif nth == 0:  # it must come: after all the others, which makes the slot longer
            placed.append(_moved(one, max(each.over_ms for each in placed)))
    return placed


def _one_after_the_other(
    scenario: Scenario, begin_ms: int, targets: Sequence[Target], chance: Chance
) -> list[Planned]:
    """Place all of them in a drawn order, each a drawn part of the pace after its turn begins.

    What comes up again by itself is looked at some turns later; meanwhile others are broken, never
    the same unit twice running.
    """
    uses = [
        (index, nth, use)
        for index, use in enumerate(scenario.uses)
        for nth in range(chance.of("times", index).between(*use.times))
    ]
    placed, at_ms, last = list[Planned](), begin_ms, ""
    for index, nth, use in chance.of("order").shuffled(uses):
        part = chance.of(index, nth)
        able = [each for each in targets if each.unit != last or use.fault.family != "consumer"]
        one = _aimed(scenario, use, begin_ms, able, placed, part)
        one, last = _moved(one, at_ms + part.of("moment").below(scenario.every_ms // 2)), one.unit
        if use.fault.family == "consumer":
            placed.append(replace(one, undo_at_ms=one.at_ms + TURNS * scenario.every_ms))
            at_ms += scenario.every_ms
        else:  # all wait for it
            placed.append(one)
            at_ms = one.undo_at_ms
    return placed


def _aimed(
    scenario: Scenario,
    use: Use,
    begin_ms: int,
    targets: Sequence[Target],
    placed: Sequence[Planned],
    chance: Chance,
) -> Planned:
    """Return a fault with all but its moment."""
    hosts = {placed[0].host} if use.amid else _hosts_for_all(scenario, targets)
    able = [each for each in targets if _possible(use, each, targets) and each.host in hosts]
    target = chance.one_of(able)
    lasts_s = chance.between(*use.fault.lasts_s)
    if use.amid:
        lasts_s = (placed[0].undo_at_ms - placed[0].at_ms) // 1000 + AFTER_THE_FIRST_S
    return Planned(
        number=0, scenario=scenario.name, fault=use.fault.name, by=use.fault.by,
        host=target.host, unit=target.unit, at_ms=begin_ms, undo_at_ms=begin_ms + 1000 * lasts_s,
        ttl_s=lasts_s + (0 if use.fault.alone or use.fault.by == LAPTOP else SPARE_S),
        words=use.fault.words(Aim(target, chance.of("words"), 1000 * lasts_s)),
    )  # fmt: skip


def _moved(one: Planned, at_ms: int) -> Planned:
    """Return the same fault at another moment."""
    undo_at_ms = at_ms + one.undo_at_ms - one.at_ms
    return replace(one, at_ms=at_ms, undo_at_ms=undo_at_ms)


def _fits(one: Planned, placed: Sequence[Planned], caps: Caps, *, amid: bool) -> bool:
    """Tell whether a fault may join the others: by the caps, and by what two may not touch."""
    beside = [each for each in placed if each.at_ms < one.over_ms and one.at_ms < each.over_ms]
    for each in beside:
        if each.by == one.by == AGENT and each.host == one.host:
            if each.unit == one.unit and not (amid and each is placed[0]):
                return False
            if _touched(each) & _touched(one):
                return False
    # the most at once is reached where one of them begins
    for at_ms in {one.at_ms, *(each.at_ms for each in beside)}:
        now = [each for each in (*beside, one) if each.at_ms <= at_ms < each.over_ms]
        broken = {each.host for each in now if each.by == AGENT}
        if len(now) > caps.faults or len(broken) > caps.hosts:
            return False
    return True


def _touched(planned: Planned) -> set[str]:
    return {each for step in planned.words for each in touched(step)}


def _possible(use: Use, target: Target, targets: Sequence[Target]) -> bool:
    if target.service not in use.services or use.fault.missing(target):
        return False
    return not use.peers or sum(each.service == target.service for each in targets) > 1


def _hosts_for_all(scenario: Scenario, targets: Sequence[Target]) -> set[str]:
    """Return the hosts that can have the first fault and all that come amid it."""
    together = [use for use in scenario.uses if use.amid]
    together += scenario.uses[:1] if together else []
    hosts = {each.host for each in targets}
    for use in together:
        hosts &= {each.host for each in targets if _possible(use, each, targets)}
    return hosts


def _numbered(faults: Iterable[Planned], before: int) -> list[Planned]:
    inorder = sorted(faults, key=lambda each: (each.at_ms, each.host, each.unit, each.fault))
    return [replace(each, number=number) for number, each in enumerate(inorder, before + 1)]
