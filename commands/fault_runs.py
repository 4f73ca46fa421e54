"""Run scenarios on an inventory's hosts, judge what happened, and leave one record and one page."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands import fault_exchange, recording, rehearsing
from commands.choosing import Chosen
from commands.fault_system import HostsOf
from commands.fault_targets import Against
from commands.naming import expect_name
from commands.showing import VERDICTS, Display
from fault_injection import scenarios
from fault_injection.checkers import Judgement, judge
from fault_injection.history.happenings import Happening
from fault_injection.history.reading import read
from fault_injection.runs import ending, folder, run
from fault_injection.runs.folder import JUDGEMENT, Folder
from fault_injection.scenarios.scenario import Scenario
from fault_injection.schedules import Schedule, decode, digest, draw, encode, told
from harness.contact import reach_all
from harness.errors import ConfigurationError, QuantumError
from harness.ledger.records import VERSION

STEP = "faults.run"
#: Any one scenario fits into this.
ONE_SCENARIO_MINUTES = 60
SEEDS = 1 << 32


def drawn_one(chosen: Chosen, name: str, seed: int) -> Schedule:
    """Return one scenario's schedule. Raises ConfigurationError where it cannot run there."""
    scenario = scenarios.REGISTRY.get(name)
    if scenario is None:
        raise ConfigurationError(
            f"no scenario is called {name!r}", step=STEP, action="invoke faults.list"
        )
    against = able(chosen)
    if why := against.obstacles(scenario):
        raise ConfigurationError(
            f"{name} cannot run on {chosen.inventory.name}: {'; '.join(why)}", step=STEP,
            action=f"invoke faults.list -i {chosen.inventory.name}: it tells what can",
        )  # fmt: skip
    day = draw(seed, [scenario], against.targets, ONE_SCENARIO_MINUTES)
    slot = day.slots[0]
    faults = tuple(each for each in day.faults if each.at_ms < slot.to_ms)
    return replace(day, slots=(slot,), faults=faults)


def drawn_day(chosen: Chosen, seed: int, minutes: int) -> Schedule:
    """Return the day of a seed, of the scenarios that can run there."""
    return draw(seed, scenarios.REGISTRY.values(), able(chosen).targets, minutes)


def able(chosen: Chosen) -> Against:
    """Return what the hosts can have; raises ConfigurationError where nothing may be broken."""
    against = Against.of(chosen.inventory, chosen.hosts)
    if against.refused:
        raise ConfigurationError(against.refused, step="guard", action="take another inventory")
    return against


def kept(path: str) -> Schedule:
    """Return the schedule in a file. Raises ConfigurationError."""
    try:
        return decode(Path(path).read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"{path}: {error.strerror}", step="schedule", action="name a run's schedule.json"
        ) from error


def fresh_seed() -> int:
    """Return a seed for whoever names none."""
    return secrets.randbelow(SEEDS)


def dry(schedule: Schedule, display: Display) -> dict[str, Any]:
    """Tell what would happen, and contact nobody; returns the schedule as it is kept."""
    for line in told(schedule):
        display.say(line)
    document: dict[str, Any] = json.loads(encode(schedule))
    return {"schedule": document, "digest": digest(schedule), "exit_code": 0}


def carry_out(chosen: Chosen, schedule: Schedule, display: Display, *, yes: bool) -> dict[str, Any]:
    """Confirm, rehearse, break, judge and record; returns the result as one document."""
    expect_name(chosen, display, "these hosts will be broken on purpose", STEP, yes=yes)
    expect_allowed(chosen, schedule)
    with (
        fault_exchange.of_run(chosen, schedule) as exchange,
        rehearsing.rehearsal(chosen, display, exchange) as rehearsed,
    ):
        return run_and_judge(rehearsed, schedule, display)


def expect_allowed(chosen: Chosen, schedule: Schedule) -> None:
    """Raise unless all hosts may be broken until the schedule is over."""
    system = HostsOf(chosen)
    try:
        system.expect_allowed(max((each.to_ms for each in schedule.slots), default=0) / 1000)
    finally:
        system.close()


def run_and_judge(
    rehearsed: Chosen, schedule: Schedule, display: Display, at_least: int = 100
) -> dict[str, Any]:
    """Run a schedule on hosts as they stand."""
    wanted, started = of_schedule(schedule), time.time()
    place = folder.begin(rehearsed.inventory.records, schedule)
    display.say(f"run {place.id}, seed {schedule.seed}; to end it early: touch {place.stop}")
    system = HostsOf(rehearsed)
    try:
        with watched(schedule, display) as watch:
            run.carry_out(
                place,
                run.Wanted(
                    schedule=schedule, claims=claims_of(wanted), version=VERSION,
                    scenario=wanted[0].name if len(wanted) == 1 else "", at_least=at_least,
                ),
                system, watch,
            )  # fmt: skip
        return conclude(rehearsed, place, system, display, started=started)
    except (QuantumError, KeyboardInterrupt):
        display.say(f"broken off; what it has shown: invoke faults.resume --id {place.id}")
        raise
    finally:
        system.close()


def resume(chosen: Chosen, name: str, display: Display) -> dict[str, Any]:
    """Finish what a dead harness left: undo, read, check, judge, record, and end its rehearsal.

    The hosts still stand as they rehearsed, so that this comes last.
    """
    place, left = folder.find(chosen.inventory.records, name), rehearsing.left(chosen)
    with fault_exchange.again(chosen, left.exchange_url if left else "") as exchange:
        return _finish(chosen, place, left, exchange, display)


def _finish(
    chosen: Chosen, place: Folder, left: rehearsing.Left | None, exchange: str, display: Display
) -> dict[str, Any]:
    schedule, started = place.schedule(), time.time()
    rehearsed = rehearsing.rehearsed(chosen, left.exchange_url) if left else chosen
    system = HostsOf(rehearsed, exchange)
    try:
        with watched(schedule, display) as watch:
            places = run.reached_by(schedule.slots, system.places)
            claims = claims_of(of_schedule(schedule))
            had_to = ending.resume(place, system, places, claims, watch)
        if not had_to and place.judgement() is not None:
            raise ConfigurationError(
                f"{place.id} came to its end and was judged", step="faults.resume",
                action=f"look at {place.report}",
            )  # fmt: skip
        return conclude(rehearsed, place, system, display, started=started)
    finally:
        system.close()
        rehearsing.put_back(chosen, display)


def conclude(
    chosen: Chosen, place: Folder, system: HostsOf, display: Display, *, started: float
) -> dict[str, Any]:
    """Judge the history from its file, write page and record, and say the verdict."""
    display.stage("judging the history")
    history, schedule = read(place.history), place.schedule()
    judgement = judge(history)
    place.keep(JUDGEMENT, judgement.told())
    entry = record(chosen, place, system, judgement, started=started)
    display.idle()
    for name, finding in judgement.findings.items():
        said = f"{finding.verdict.name:8} {name}  {'; '.join(finding.reasons)}"
        display.say(said, VERDICTS[finding.verdict.name])
    if judgement.not_asked:
        display.say(f"not asked: {', '.join(judgement.not_asked)}", "dim")
    display.verdict(
        judgement.verdict, f"{len(judgement.findings)} checkers", chosen.inventory.records / entry
    )
    return {
        "run": place.id, "seed": schedule.seed, "record": entry, **judgement.told(),
        "exit_code": judgement.verdict.exit_code,
    }  # fmt: skip


def record(
    chosen: Chosen, place: Folder, system: HostsOf, judgement: Judgement, *, started: float
) -> str:
    """Write the record of a run: what was planned and found, and digests of what it rests on."""
    schedule = place.schedule()
    files = sorted(each for each in place.path.iterdir() if not each.name.startswith("."))
    with reach_all(system.chosen.hosts, Display(quiet=True)) as contacts:
        entry = recording.write(
            chosen, "fault", judgement.verdict.name, contacts, started=started, ended=time.time(),
            claims=system.claimed, subjects=recording.subjects(system.claimed),
            git=recording.git_state(),
            details={
                "run": place.id, "seed": schedule.seed, "schedule": digest(schedule),
                "scenarios": [each.scenario for each in schedule.slots],
                "faults": len(schedule.faults), "verdict": judgement.verdict.name,
                "files": {each.name: _digest_of(each.read_bytes()) for each in files},
            },
            evidence={"judgement": judgement.told(), "schedule": json.loads(encode(schedule))},
        )  # fmt: skip
    return entry.id


def of_schedule(schedule: Schedule) -> list[Scenario]:
    """Return its scenarios, each once. Raises ConfigurationError where one is known no more."""
    names = dict.fromkeys(each.scenario for each in schedule.slots)
    if strange := [name for name in names if name not in scenarios.REGISTRY]:
        raise ConfigurationError(
            f"no scenario is called {strange[0]!r}", step=STEP, action="invoke faults.list"
        )
    return [scenarios.REGISTRY[name] for name in names]


def claims_of(wanted: Sequence[Scenario]) -> list[str]:
    """Return what is proved in the end, each claim once."""
    return list(dict.fromkeys(claim for each in wanted for claim in each.claims))


@contextlib.contextmanager
def watched(schedule: Schedule, display: Display) -> Iterator[Callable[[Happening], None]]:
    """Yield what shows each happening to a person while the block runs."""
    from commands.fault_watching import shown

    with shown(schedule, display) as watch:
        yield watch


def _digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
