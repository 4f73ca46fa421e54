"""Look at the laptop, then at every host at once, and fold what was seen into one exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from commands.choosing import choose
from commands.showing import Display
from harness.errors import DONE, FAILED, IN_DOUBT, ConfigurationError, QuantumError


class State(Enum):
    """How something stands; a note is good to know and counts for nothing."""

    ok = "green"
    note = "dim"
    unknown = "yellow"
    wrong = "red"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at, how it stands, and the next thing to type about it."""

    where: str
    what: str
    state: State
    text: str
    action: str = ""
    unit: str = ""

    def document(self) -> dict[str, str]:
        """Return it for `--json`."""
        return {
            "where": self.where, "unit": self.unit, "what": self.what, "state": self.state.name,
            "text": self.text, "next": self.action,
        }  # fmt: skip


def examine(context: Any, inventory: str, limit: str, display: Display) -> dict[str, Any]:
    """Print every line as it is known; returns all of them as one document."""
    from commands.examining_hosts import hosts_lines
    from commands.examining_laptop import inventory_lines, laptop_lines

    display.stage("looking at this laptop")
    found = laptop_lines()
    show(found, display)
    try:
        chosen = choose(context, inventory, limit)
    except ConfigurationError as error:
        line = of_error("laptop", "inventory", error)
        show([line], display)
        return {**_document([*found, line]), "exit_code": error.exit_code}
    more = inventory_lines(chosen)
    show(more, display)
    display.stage(f"reaching {len(chosen.hosts)} hosts")
    hosts = hosts_lines(chosen, display)
    show(hosts, display)
    return _document([*found, *more, *hosts], display)


def of_error(where: str, what: str, error: QuantumError, state: State = State.wrong) -> Line:
    """Return an error as a line."""
    return Line(where, what, state, error.cause.replace("\n", " "), error.action)


def exit_code(lines: Iterable[Line]) -> int:
    """Return 1 where something is wrong, else 2 where something cannot be told, else 0."""
    states = {line.state for line in lines}
    return FAILED if State.wrong in states else IN_DOUBT if State.unknown in states else DONE


def show(lines: Sequence[Line], display: Display) -> None:
    """Print lines; what is wrong with what to type next."""
    display.idle()
    for line in lines:
        where = f"{line.where}  {line.unit}" if line.unit else line.where
        display.say(f"{where}  {line.state.name:7} {line.what}  {line.text}", line.state.value)
        if line.action and line.state is not State.ok:
            display.say(f"    next: {line.action}")


def _document(lines: Sequence[Line], display: Display | None = None) -> dict[str, Any]:
    code = exit_code(lines)
    if display:
        count = {state: len([line for line in lines if line.state is state]) for state in State}
        told = [f"{count[state]} {state.name}" for state in (State.wrong, State.unknown)]
        words = {DONE: "all well", FAILED: "something is wrong", IN_DOUBT: "not all can be told"}
        style = {DONE: "bold green", FAILED: "bold red", IN_DOUBT: "bold yellow"}[code]
        display.say(f"{words[code]}: {count[State.ok]} ok, {', '.join(told)}", style)
    return {"lines": [line.document() for line in lines], "exit_code": code}
