"""Make the report of a run's folder: read, judge anew, compare with the run before, write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fault_injection.checkers import judge
from fault_injection.history.reading import History, read
from fault_injection.report.page import render
from fault_injection.report.summing_up import FORMAT
from fault_injection.runs.folder import HISTORY, JUDGEMENT, REPORT, SCHEDULE
from fault_injection.schedules.schedule import Schedule, decode
from harness.errors import ConfigurationError, HistoryError


def render_folder(folder: Path) -> Path:
    """Write report.html and return its path; raises HistoryError without a history."""
    history = read(folder / HISTORY)
    page = render(history, judge(history), schedule_of(folder), previous_of(folder, history))
    path = folder / REPORT
    half = path.with_suffix(".half")
    try:
        half.write_bytes(page)
        half.replace(path)
    except OSError as error:
        with suppress(OSError):
            half.unlink()
        raise HistoryError(f"{path}: {error.strerror}", action="make room, then again") from error
    return path


def schedule_of(folder: Path) -> Schedule | None:
    """Return a run's schedule, None where it is missing or cannot be read: the page says so."""
    try:
        return decode((folder / SCHEDULE).read_bytes())
    except (OSError, ConfigurationError):
        return None


def previous_of(folder: Path, history: History) -> Mapping[str, Any] | None:
    """Return the summary of the last run before this one on the same inventory, if there is one."""
    opening = history.opening
    if opening is None:
        return None
    began = opening.wall_ns
    before: list[tuple[int, str, Mapping[str, Any]]] = []
    for path in folder.resolve().parent.glob(f"*/{JUDGEMENT}"):
        found = _summary(path)
        if found is None or path.parent == folder.resolve():
            continue
        if found["inventory"] == opening.inventory and found["began_ns"] < began:
            before.append((found["began_ns"], path.parent.name, found))
    return max(before, key=lambda each: each[:2])[2] if before else None


def _summary(path: Path) -> Mapping[str, Any] | None:
    """Return the summary that a judgement.json holds, None for one of another shape."""
    try:
        said = json.loads(path.read_bytes())["summary"]
        fits = said["format"] == FORMAT and isinstance(said["began_ns"], int)
        fits = fits and isinstance(said["inventory"], str)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return said if fits else None
