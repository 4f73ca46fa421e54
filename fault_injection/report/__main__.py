"""For people: make a run's report anew, or tell one identity's life, from the folder alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fault_injection.history.reading import read
from fault_injection.report.axis import axis_of
from fault_injection.report.chosen_lives import told_life
from fault_injection.report.folder import render_folder
from fault_injection.runs.folder import HISTORY
from harness.errors import ConfigurationError, QuantumError


def main(words: Sequence[str]) -> str:
    """Return what to print: the page's path, or the lines of a life."""
    match words:
        case [folder]:
            return str(render_folder(Path(folder)))
        case [folder, identity]:
            history = read(Path(folder) / HISTORY)
            told = told_life(history, identity, axis_of(history))
            if told is None:
                raise ConfigurationError(
                    f"the history says nothing of {identity}", step="report",
                    action="take an identity as the history has it",
                )  # fmt: skip
            return "\n".join(f"{m.at:>10}  {m.since:>10}  {m.word}  {m.said}" for m in told.moments)
    raise ConfigurationError(
        "a report is of one run", step="report",
        action="python -m fault_injection.report FOLDER [IDENTITY]",
    )  # fmt: skip


if __name__ == "__main__":
    try:
        sys.stdout.write(main(sys.argv[1:]) + "\n")
    except QuantumError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
