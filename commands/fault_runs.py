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
from commands.fault_board import FaultBoard
from commands.fault_system import HostsOf
from commands.fault_targets import Against
from commands.naming import expect_name
from commands.showing import Display, from_here
from fault_injection import report, scenarios
from fault_injection.checkers import Judgement, judge
from fault_injection.history.reading import read
from fault_injection.report.folder import previous_of
from fault_injection.runs import ending, flows, folder, run
from fault_injection.runs.folder import HISTORY, JUDGEMENT, REPORT, SCHEDULE, STOOD, Folder
from fault_injection.scenarios.scenario import Scenario, rests_on
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
    """Return the day of a seed, of the scenarios that can run there.

    Deploys and orders at a simulated exchange are not of one day: a deploy of the inventory takes
    execution away from that exchange, and from the database that goes with it.
    """
    against, every = able(chosen), list(scenarios.REGISTRY.values())
    if any(each.family == "exchange" and not against.obstacles(each) for each in every):
        every = [each for each in every if each.workload != flows.DEPLOYS]
    return draw(seed, every, against.targets, minutes)


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
    expect_allowed(chosen, schedule, display)
    return run_and_judge(chosen, schedule, display)


def expect_allowed(chosen: Chosen, schedule: Schedule, display: Display) -> None:
    """Raise unless all hosts may be broken until the schedule is over, and are fit for it."""
    system = HostsOf(chosen, display)
    try:
        system.expect_allowed(max((each.to_ms for each in schedule.slots), default=0) / 1000)
        if any(each.workload == flows.DEPLOYS for each in schedule.slots):
            system.expect_deployed()
    finally:
        system.close()


def run_and_judge(chosen: Chosen, schedule: Schedule, display: Display) -> dict[str, Any]:
    """Run a schedule, with a simulated exchange where it breaks one, and say what came of it."""
    wanted, started = of_schedule(schedule), time.time()
    place = folder.begin(chosen.inventory.records, schedule)
    display.say(f"run {place.id}, seed {schedule.seed}; to end it early: touch {place.stop}")
    with contextlib.ExitStack() as stack:
        exchange = stack.enter_context(fault_exchange.of_run(place.path, schedule))
        system = HostsOf(
            chosen, display, exchange=exchange, rehearses=not flows.only_deploys(schedule.slots)
        )
        stack.callback(system.close)
        try:
            with watched(schedule, display) as tell:
                run.carry_out(
                    place,
                    run.Wanted(
                        schedule=schedule, claims=claims_of(wanted), version=VERSION,
                        scenario=wanted[0].name if len(wanted) == 1 else "",
                        rests_on=rests_on(wanted),
                    ),
                    system, tell,
                )  # fmt: skip
            return conclude(chosen, place, system, display, started=started)
        except (QuantumError, KeyboardInterrupt):
            display.say(f"broken off; what it has shown: invoke faults.resume --id {place.id}")
            raise


def resume(chosen: Chosen, name: str, display: Display) -> dict[str, Any]:
    """Finish what a dead harness left: undo, read, check, put back, judge and record."""
    place, left = folder.find(chosen.inventory.records, name), rehearsing.left(chosen)
    exchange = left.exchange_url if left else ""
    with fault_exchange.again(place.path, exchange) as gathered:
        return _finish(chosen, place, display, exchange, gathered)


def _finish(
    chosen: Chosen, place: Folder, display: Display, exchange: str, gathered: str
) -> dict[str, Any]:
    schedule, started = place.schedule(), time.time()
    system = HostsOf(
        chosen, display, exchange=exchange, gathered=gathered,
        rehearses=not flows.only_deploys(schedule.slots), deploy_home=flows.gated(schedule.slots),
    )  # fmt: skip
    try:
        with watched(schedule, display) as tell:
            places = flows.reached_by(schedule.slots, system.places)
            claims = claims_of(of_schedule(schedule))
            had_to = ending.resume(place, system, places, claims, tell)
        if not had_to and place.judgement() is not None:
            raise ConfigurationError(
                f"{place.id} came to its end and was judged", step="faults.resume",
                action=f"look at {place.report}",
            )  # fmt: skip
        return conclude(chosen, place, system, display, started=started)
    finally:
        system.stand_as_before()
        system.close()


def conclude(
    chosen: Chosen, place: Folder, system: HostsOf, display: Display, *, started: float
) -> dict[str, Any]:
    """Judge the history from its file, write page and record, and say the verdict."""
    display.stage("judging the history")
    history, schedule = read(place.history), place.schedule()
    judgement = judge(history)
    previous = previous_of(place.path, history)
    place.keep(REPORT, report.render(history, judgement, schedule, previous))
    place.keep(JUDGEMENT, {**judgement.told(), "summary": report.summary(history, judgement)})
    entry = record(chosen, place, system, judgement, started=started)
    display.idle()
    for line in report.told(history, judgement, schedule, previous):
        display.say(line)
    display.say(f"report: {from_here(place.report)}")
    display.verdict(
        judgement.verdict, f"{len(judgement.findings)} checkers", chosen.inventory.records / entry
    )
    return {
        "run": place.id, "seed": schedule.seed, "record": entry, "report": str(place.report),
        **judgement.told(), "exit_code": judgement.verdict.exit_code,
    }  # fmt: skip


def record(
    chosen: Chosen, place: Folder, system: HostsOf, judgement: Judgement, *, started: float
) -> str:
    """Write the record of a run: what was planned and found, and digests of what it rests on."""
    schedule = place.schedule()
    names = (SCHEDULE, HISTORY, STOOD, JUDGEMENT, REPORT)
    files = [place.path / name for name in names]
    with reach_all(system.chosen.hosts, Display(quiet=True)) as contacts:
        entry = recording.write(
            chosen, "fault", judgement.verdict.name, contacts, started=started, ended=time.time(),
            claims=system.claimed, subjects=recording.subjects(system.claimed),
            git=recording.git_state(),
            details={
                "run": place.id, "seed": schedule.seed, "schedule": digest(schedule),
                "scenarios": [each.scenario for each in schedule.slots],
                "faults": len(schedule.faults), "verdict": judgement.verdict.name,
                "files": {each.name: _digest_of(each) for each in files},
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
def watched(schedule: Schedule, display: Display) -> Iterator[Callable[..., None]]:
    """Yield what shows happenings to a person while the block runs."""
    board = FaultBoard(display.console, schedule)
    with display.shown(board):
        yield board.on


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
