"""Break hosts on purpose: what there is, one scenario or a day of them, and undoing all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, Chosen, choose
from commands.running import command, print_json
from harness.errors import DONE

if TYPE_CHECKING:
    from commands.showing import Display


LIST_INVENTORY_HELP = f"also tell what cannot run on its hosts, and why; {INVENTORY_HELP}"


@command(name="list", help={"inventory": LIST_INVENTORY_HELP, "json": JSON_HELP})
def list_scenarios(context: Any, inventory: str = "", json: bool = False) -> None:
    """Show each scenario, what it threatens and where it can run; contacts nobody.

    Examples: invoke faults.list        invoke faults.list -i lab        invoke faults.list --json
    """
    from commands import scenarios_told

    against = None
    if inventory:
        from commands.choosing import open_inventory
        from commands.fault_targets import Against

        against = Against.of(open_inventory(context, inventory))
    if json:
        print_json(scenarios_told.document(against))
    else:
        scenarios_told.show(against)


SEED_HELP = "the same seed gives the same schedule, byte for byte (default: a fresh one, printed)"
DRY_HELP = "print what would happen when, to whom, and contact nobody"
YES_TO_ALL_HELP = "do not ask for the inventory's name, where nobody sits at a terminal"
#: What every command has that runs a schedule.
OF_A_RUN = {
    "dry-run": DRY_HELP,
    "inventory": INVENTORY_HELP,
    "limit": LIMIT_HELP,
    "yes": YES_TO_ALL_HELP,
    "json": JSON_HELP,
}
ID_HELP = "the run's name, or how it begins (default: the newest)"


@command(
    name="run",
    positional=["name"],
    help={
        "name": "a scenario (see invoke faults.list)",
        "seed": SEED_HELP,
        **OF_A_RUN,
    },
)
def run_scenario(
    context: Any,
    name: str,
    seed: int = -1,
    dry_run: bool = False,
    inventory: str = "",
    limit: str = "",
    yes: bool = False,
    json: bool = False,
) -> int:
    """Break a system in one way amid its work, and judge what came of it.

    Exit 0 where all that must hold was proved, 1 refuted, 2 unknown, 3 it cannot run there. Hosts
    must allow it: invoke faults.allow.

    Examples: invoke faults.run restart_mid_intent -i lab        invoke faults.run redis_killed
    --seed 7 --dry-run
    """
    from commands import fault_runs

    chosen = choose(context, inventory, limit)
    seed = seed if seed >= 0 else fault_runs.fresh_seed()
    planned = fault_runs.drawn_one(chosen, name, seed)
    return _carry_out(chosen, planned, dry_run=dry_run, yes=yes, json=json)


@command(
    positional=["schedule"],
    help={
        "schedule": "a file, as a run keeps it (schedule.json) or faults.shrink (shrunk.json)",
        **OF_A_RUN,
    },
)
def replay(
    context: Any,
    schedule: str,
    dry_run: bool = False,
    inventory: str = "",
    limit: str = "",
    yes: bool = False,
    json: bool = False,
) -> int:
    """Run a schedule again that was kept in a file: the same faults at the same moments.

    Example: invoke faults.replay records/faults/20261121T201500Z-a1b2c3/shrunk.json -i lab
    """
    from commands import fault_runs

    chosen = choose(context, inventory, limit)
    planned = fault_runs.kept(schedule)
    return _carry_out(chosen, planned, dry_run=dry_run, yes=yes, json=json)


@command(
    help={
        "seed": SEED_HELP,
        "minutes": "how long it may take, its recoveries included",
        **OF_A_RUN,
    }
)
def day(
    context: Any,
    seed: int = -1,
    minutes: int = 30,
    dry_run: bool = False,
    inventory: str = "",
    limit: str = "",
    yes: bool = False,
    json: bool = False,
) -> int:
    """Run scenarios one after the other, drawn from a seed; leaves one record and one report.

    Example: invoke faults.day -i lab --seed 7 --minutes 60
    """
    from commands import fault_runs

    chosen = choose(context, inventory, limit)
    planned = fault_runs.drawn_day(chosen, seed if seed >= 0 else fault_runs.fresh_seed(), minutes)
    return _carry_out(chosen, planned, dry_run=dry_run, yes=yes, json=json)


@command(help={"id": ID_HELP, "inventory": INVENTORY_HELP, "limit": LIMIT_HELP, "json": JSON_HELP})
def resume(
    context: Any,
    inventory: str = "",
    id: str = "",  # noqa: A002  the option's name
    limit: str = "",
    json: bool = False,
) -> int:
    """Finish what a harness left that died: undo its faults, read, check and record.

    What nobody watched proves nothing: the verdict is unknown, or what was seen to be wrong.

    Example: invoke faults.resume -i lab --id 20261121T2015
    """
    from commands import fault_runs
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = fault_runs.resume(chosen, id, display)
    if json:
        print_json(document)
    return int(document["exit_code"])


@command(
    help={
        "id": ID_HELP,
        "runs": "so many runs at most",
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "yes": YES_TO_ALL_HELP,
        "json": JSON_HELP,
    }
)
def shrink(
    context: Any,
    inventory: str = "",
    id: str = "",  # noqa: A002  the option's name
    runs: int = 60,
    limit: str = "",
    yes: bool = False,
    json: bool = False,
) -> int:
    """Find the few faults that a refuted run needs to be refuted again, by running parts of it.

    Example: invoke faults.shrink -i lab --id 20261121T2015
    """
    from commands import fault_shrinking
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = fault_shrinking.carry_out(chosen, id, display, most_runs=runs, yes=yes)
    if json:
        print_json(document)
    return int(document["exit_code"])


def _carry_out(chosen: Chosen, planned: Any, *, dry_run: bool, yes: bool, json: bool) -> int:
    from commands import fault_runs
    from commands.showing import Display

    with Display(quiet=json) as display:
        if dry_run:
            document = fault_runs.dry(planned, display)
        else:
            document = fault_runs.carry_out(chosen, planned, display, yes=yes)
    if json:
        print_json(document)
    return int(document["exit_code"])


@command(help={"inventory": INVENTORY_HELP, "limit": LIMIT_HELP, "json": JSON_HELP})
def heal(context: Any, inventory: str = "", limit: str = "", json: bool = False) -> int:
    """Undo every fault of the hosts, whoever injected it and however that one ended.

    Needs no permission on the host and changes nothing where there is no fault; twice is fine.
    A host that is not reached heals by itself when its faults' time is over, or as it boots.

    Example: invoke faults.heal -i lab --limit lab2
    """
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = heal_all(chosen, display)
    if json:
        print_json(document)
    return int(document["exit_code"])


def heal_all(chosen: Chosen, display: Display) -> dict[str, Any]:
    """Heal every chosen host, also when others fail; returns what came of each as one document."""
    from commands.transactions import meta
    from harness import fanout
    from harness.contact import reach_some

    by = meta(chosen, {})
    with reach_some(chosen.hosts, display) as reached:
        answers = fanout.each(reached.contacts, lambda each: each.session.fault_heal(meta=by))
    failures = {
        **reached.failures,
        **{answer.item.host.name: answer.error for answer in answers if answer.error},
    }
    healed = {answer.item.host.name: answer.result["healed"] for answer in answers if answer.result}
    for name, ids in healed.items():
        said = f"undone and seen to be gone: {', '.join(ids)}" if ids else "no fault"
        display.say(f"{name}  {said}", "green" if ids else "")
    for name, error in failures.items():
        display.say(f"{name}  NOT HEALED  {error}", "red")
    return {
        "hosts": {
            **{name: {"healed": ids} for name, ids in healed.items()},
            **{name: {"error": str(error)} for name, error in failures.items()},
        },
        "exit_code": max((error.exit_code for error in failures.values()), default=DONE),
    }  # fmt: skip
