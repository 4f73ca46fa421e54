"""Make the tables of docs/fault-days.md: python -m fault_injection.scenarios.table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fault_injection.faults import REGISTRY as FAULTS
from fault_injection.faults.fault import NEEDS
from fault_injection.scenarios import REGISTRY as SCENARIOS

DOCUMENT = Path(__file__).parents[2] / "docs" / "fault-days.md"
BEGIN, END = "<!-- {}: made by fault_injection/scenarios/table.py -->", "<!-- end of {} -->"


def scenarios() -> str:
    """Return the scenarios as a table of Markdown."""
    return _table(
        ("scenario", "family", "what happens", "faults", "threatens", "runs on"),
        (
            (
                f"`{each.name}`", each.family, each.about, _all(u.fault.name for u in each.uses),
                _all(each.threatens), ", ".join(each.where),
            )
            for each in SCENARIOS.values()
        ),
    )  # fmt: skip


def faults() -> str:
    """Return the faults as a table of Markdown."""
    return _table(
        ("fault", "what it breaks", "injected by", "observed", "undone", "needs"),
        (
            (
                f"`{each.name}`", each.breaks, f"the {each.by}: {each.injected}", each.observed,
                each.undone, ", ".join(each.needs),
            )
            for each in FAULTS.values()
        ),
    )  # fmt: skip


def needs() -> str:
    """Return what faults need as a table of Markdown."""
    return _table(("need", "without it"), NEEDS.items())


def renewed(text: str) -> str:
    """Return a document with today's tables; raises ValueError where a marker is missing."""
    for name, table in (("scenarios", scenarios()), ("faults", faults()), ("needs", needs())):
        begin, end = BEGIN.format(name), END.format(name)
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"the markers of {name} are missing")
        text = f"{before}{begin}\n{table}{end}{after}"
    return text


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _all(names: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in names)


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
