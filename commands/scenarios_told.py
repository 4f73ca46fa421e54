"""Print the scenarios: a table on a terminal, plain lines in a pipe, or one document."""

from __future__ import annotations

from typing import Any

from commands.fault_targets import Against
from commands.showing import Display
from fault_injection.scenarios import REGISTRY
from fault_injection.scenarios.scenario import Scenario

HEADINGS = ("scenario", "family", "threatens", "runs on")


def document(against: Against | None) -> dict[str, Any]:
    """Return all that is known, for `--json`."""
    said: dict[str, Any] = {"scenarios": [_document(each, against) for each in REGISTRY.values()]}
    if against:
        said |= {"inventory": against.inventory, "mode": against.mode}
    return said


def show(against: Against | None) -> None:
    """Print them, and with an inventory what cannot run there, and why."""
    rows = [
        (each.name, each.family, ", ".join(each.threatens), ", ".join(each.where))
        for each in REGISTRY.values()
    ]
    with Display() as display:
        display.table(HEADINGS, rows)
        if against:
            _show_refused(display, against)


def _show_refused(display: Display, against: Against) -> None:
    refused = {each.name: against.obstacles(each) for each in REGISTRY.values()}
    refused = {name: why for name, why in refused.items() if why}
    about = f"{against.inventory} (mode {against.mode})"
    can = len(REGISTRY) - len(refused)
    display.say("")
    display.say(f"on {about}: {can} of {len(REGISTRY)} can run", "bold")
    if against.refused:
        display.say(f"  none: {against.refused}", "red")
        return
    for name, why in refused.items():
        display.say(f"  {name}  cannot: {'; '.join(why)}", "yellow")


def _document(scenario: Scenario, against: Against | None) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "family": scenario.family,
        "about": scenario.about,
        "workload": scenario.workload,
        "faults": [use.fault.name for use in scenario.uses],
        "threatens": list(scenario.threatens),
        "checkers": list(scenario.must_hold),
        "claims": list(scenario.claims),
        "where": list(scenario.where),
        **({"obstacles": list(against.obstacles(scenario))} if against else {}),
    }
