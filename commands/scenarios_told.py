"""Print the scenarios: a table on a terminal, plain lines in a pipe, or one document."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from commands.fault_targets import Against
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
    console = Console(highlight=False, soft_wrap=True)
    rows = [
        (each.name, each.family, ", ".join(each.threatens), ", ".join(each.where))
        for each in REGISTRY.values()
    ]
    if console.is_terminal:
        table = Table(*HEADINGS, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table, soft_wrap=False)
    else:
        for row in rows:
            console.print(Text("  ".join(row)))
    if against:
        _show_refused(console, against)


def _show_refused(console: Console, against: Against) -> None:
    refused = {each.name: against.obstacles(each) for each in REGISTRY.values()}
    refused = {name: why for name, why in refused.items() if why}
    about = f"{against.inventory} (mode {against.mode})"
    can = len(REGISTRY) - len(refused)
    console.print(Text(f"\non {about}: {can} of {len(REGISTRY)} can run", style="bold"))
    if against.refused:
        console.print(Text(f"  none: {against.refused}", style="red"))
        return
    for name, why in refused.items():
        console.print(Text(f"  {name}  cannot: {'; '.join(why)}", style="yellow"))


def _document(scenario: Scenario, against: Against | None) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "family": scenario.family,
        "about": scenario.about,
        "workload": scenario.workload,
        "faults": [use.fault.name for use in scenario.uses],
        "threatens": list(scenario.threatens),
        "checkers": list(scenario.checkers),
        "claims": list(scenario.claims),
        "where": list(scenario.where),
        **({"obstacles": list(against.obstacles(scenario))} if against else {}),
    }
