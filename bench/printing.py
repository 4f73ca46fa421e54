"""Print what was measured, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.results import Result, Spread

#: Columns where there is no terminal.
WIDE = 150
COLOURS = {"met": "green", "not met": "red", "": ""}


def table(results: Iterable[Result], about: dict[str, str]) -> None:
    """Print one table; (least..greatest) of the runs stands behind each median."""
    made = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for name in ("what", "measured", "ratio", "", "target", "verdict"):
        made.add_column(name, overflow="fold", no_wrap=name in ("measured", "verdict"))
    topic = ""
    for each in results:
        if each.topic != topic:
            topic = each.topic
            made.add_row(f"[bold]{topic}[/bold]")
        what = f"  {each.what}" + (f"\n    [dim]{each.note}[/dim]" if each.note else "")
        colour = COLOURS[each.verdict]
        made.add_row(
            what,
            f"{_number(each.value)} {each.unit}" if each.value else "not measured",
            f"{_number(each.ratio)} x" if each.ratio else "",
            each.against,
            each.target.words(each.unit) if each.target else "",
            f"[{colour}]{_verdict(each)}[/{colour}]" if colour else "",
        )
    # a file or a pipe is as wide as it takes
    width = None if sys.stdout.isatty() else WIDE
    console = Console(highlight=False, width=width)
    console.print(made)
    console.print()
    console.print("; ".join(f"{name}: {value}" for name, value in about.items()), style="dim")


def as_json(results: Iterable[Result], about: dict[str, str]) -> None:
    """Print the same as JSON."""
    lines = [
        {
            "topic": each.topic, "what": each.what, "unit": each.unit,
            "value": _spread(each.value), "ratio": _spread(each.ratio), "against": each.against,
            "target": each.target.words(each.unit) if each.target else None,
            "verdict": each.verdict or None, "note": each.note,
        }
        for each in results
    ]  # fmt: skip
    print(json.dumps({"about": about, "results": lines}, indent=1))


def _verdict(of: Result) -> str:
    return f"MISSED by {of.missed_by}" if of.missed_by else of.verdict


def _spread(of: Spread | None) -> dict[str, Any] | None:
    return None if of is None else {name: round(value, 6) for name, value in of._asdict().items()}


def _number(of: Spread) -> str:
    if of.least == of.greatest:
        return _short(of.median)
    return f"{_short(of.median)} ({_short(of.least)}..{_short(of.greatest)})"


def _short(value: float) -> str:
    if value >= 1000:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"  # noqa: PLR2004
