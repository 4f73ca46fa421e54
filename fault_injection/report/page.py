"""Show a day of faults as one page: no network, no script needed, the same bytes for the same run.

Its size does not grow with the operations: series are thinned, bars that touch are one, and where
a day has very many scenarios or faults, less of them is shown one by one.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fault_injection.checkers import Judgement
from fault_injection.history.happenings import INFO, OBSERVED
from fault_injection.history.reading import History, paused_collection
from fault_injection.report.chosen_lives import told_lives
from fault_injection.report.courses import Course
from fault_injection.report.day import Day, Figure, day_of, figure, part_axis
from fault_injection.report.latencies import latencies
from fault_injection.report.placing import Part
from fault_injection.report.recovering import brackets
from fault_injection.report.summing_up import compared, same_trial
from fault_injection.report.wording import cut, date, first_of, lasted, many, number, printable
from fault_injection.scenarios import REGISTRY
from fault_injection.schedules.schedule import Schedule
from proofs.finding import Finding, Verdict

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
#: The page stays below this.
MOST_BYTES = 960 * 1024
#: A verdict has a sign of its own, beside its colour.
MARKS = {"proved": "✓", "refuted": "✗", "unknown": "?"}
MOST_REASONS, MOST_UNSEEN = 12, 20
#: Looks for one of the lives that the page has; everything is there without it.
SCRIPT = """
const box = document.getElementById("find"), none = document.getElementById("none");
document.getElementById("finder").hidden = false;
box.addEventListener("input", () => {
  const wanted = box.value.trim();
  let found = 0;
  for (const life of document.querySelectorAll("details.life")) {
    const fits = life.dataset.id.includes(wanted);
    life.hidden = !fits;
    life.open = fits && wanted !== "";
    found += fits;
  }
  none.hidden = found > 0;
});
"""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is shown one by one."""

    parts: int
    faults: int
    lives: int
    buckets: int


#: Tried in turn until the page is small enough.
DETAILS = (Detail(24, 24, 20, 300), Detail(10, 24, 12, 200), Detail(0, 20, 4, 100))


@dataclass(frozen=True, slots=True)
class Check:
    """A checker's finding as it is shown."""

    name: str
    verdict: str
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class Section:
    """One scenario of the day."""

    part: Part
    about: str
    state: str
    ill: bool
    courses: Sequence[Course]
    left: int
    figure: Figure | None  #: None where it is not shown by itself


def render(
    history: History,
    judgement: Judgement,
    schedule: Schedule | None,
    previous: Mapping[str, Any] | None = None,
) -> bytes:
    """Return report.html; `previous` is the summary of another day."""
    page = b""
    with paused_collection():
        day = day_of(history, judgement, schedule)
        for detail in DETAILS:
            page = _page(day, previous, detail).encode("utf-8", "backslashreplace")
            if len(page) <= MOST_BYTES:
                break
    return page


def _page(day: Day, previous: Mapping[str, Any] | None, detail: Detail) -> str:
    sections = _sections(day, detail)
    every = day.courses if len(sections) <= 1 else []
    shown, more = brackets(day.history, day.judgement, day.series, day.axis)
    lives = told_lives(day.history, day.judgement, day.axis, detail.lives)
    return _environment().get_template("fault_report.html.j2").render(
        day=day, told=day.summary, verdict=day.judgement.verdict.name,
        figure=figure(day, day.axis, day.courses, detail.buckets),
        sections=sections if len(sections) > 1 else [],
        alone=sections[0] if len(sections) == 1 else None,
        courses=_ill_first(every)[: detail.faults],
        courses_left=max(0, len(every) - detail.faults),
        unseen=day.unseen[:MOST_UNSEEN], unseen_left=max(0, len(day.unseen) - MOST_UNSEEN),
        checks=_checks(day.judgement), not_asked=day.judgement.not_asked,
        latencies=latencies(day.judgement), brackets=shown, brackets_left=more,
        lives=lives, tiles=_tiles(day), differences=compared(day.summary, previous or {}),
        previous=previous, same_trial=same_trial(day.summary, previous or {}),
        provenance=_provenance(day), script=SCRIPT, script_hash=_hash(SCRIPT),
        clock=day.axis.clock,
    )  # fmt: skip


def _sections(day: Day, detail: Detail) -> Sequence[Section]:
    """Return the scenarios; the ones where something was not seen are shown rather than others."""
    parts = day.placed.parts
    of = day.by_part
    ranked = sorted(parts, key=lambda part: all(each.well for each in of[part.number]))
    shown = {each.number for each in ranked[: detail.parts] if day.reached(each)}
    made = []
    for part in parts:
        every, seen = of[part.number], sum(each.observed for each in of[part.number])
        scenario = REGISTRY.get(part.slot.scenario)
        state = f"{seen} of {many(len(every), 'fault')} observed"
        made.append(Section(
            part, scenario.about.strip() if scenario else "",
            state if day.reached(part) else "not reached", not all(each.well for each in every),
            _ill_first(every)[: detail.faults], max(0, len(every) - detail.faults),
            figure(day, part_axis(day, part), every, detail.buckets // 3)
            if part.number in shown and len(parts) > 1 else None,
        ))  # fmt: skip
    return made


def _ill_first(every: Sequence[Course]) -> Sequence[Course]:
    return sorted(every, key=lambda each: each.well)


def _checks(judgement: Judgement) -> Sequence[Check]:
    """Return the findings, the worst first."""
    found = sorted(judgement.findings.items(), key=lambda each: -each[1].verdict)
    return [Check(name, each.verdict.name, _reasons(each)) for name, each in found]


def _reasons(finding: Finding) -> Sequence[str]:
    return first_of(finding.reasons, MOST_REASONS)


def _tiles(day: Day) -> Sequence[tuple[str, str, str, bool]]:
    """Return the few numbers at the top: what, how much, a note, and whether that is bad."""
    told, findings = day.summary, day.judgement.findings
    operations, faults = told["operations"], told["faults"]
    planned = max(len(day.courses), faults["all"])
    without = f", {number(operations[INFO])} without an end" if operations[INFO] else ""
    tiles = [
        ("operations", number(operations["all"]),
         f"{number(told['per_s'])} answered/s{without}", False),
        ("faults observed", f"{number(faults[OBSERVED])} of {number(planned)}",
         f"{number(faults['gone'])} seen to be gone", bool(day.unseen)),
    ]  # fmt: skip
    for word, name in (("lost", "lost"), ("doubled", "duplicated")):
        if (finding := findings.get(name)) is not None:
            text = "?" if told[word] is None else number(told[word])
            if finding.verdict is Verdict.unknown:
                text = "?"
            elif finding.verdict is Verdict.refuted and not told[word]:
                text = "in buckets"
            tiles.append((word, text, f"{name}: {finding.verdict.name}",
                          finding.verdict is Verdict.refuted))  # fmt: skip
    if told["recovery_s"] is not None:
        recovery = findings["recovery"].verdict
        tiles.append(("slowest recovery", lasted(int(told["recovery_s"] * 10**9)),
                      f"recovery: {recovery.name}", recovery is Verdict.refuted))  # fmt: skip
    held = sum(each.verdict is Verdict.proved for each in findings.values())
    tiles.append(("checks held", f"{held} of {len(findings)}",
                  f"{len(day.judgement.not_asked)} not asked", held < len(findings)))  # fmt: skip
    return tiles


def _provenance(day: Day) -> Sequence[tuple[str, str]]:
    told, opening = day.summary, day.history.opening
    rows = [
        ("began", date(told["began_ns"])),
        ("lasted", lasted(told["lasted_ns"])),
        ("seed", str(told["seed"])),
        ("schedule", told["schedule"]),
        ("inventory", f"{told['inventory']} ({told['mode']})"),
        ("tool", f"{opening.tool} {opening.version}" if opening else ""),
        ("history", f"{many(len(day.history.happenings), 'line')}"),
    ]
    return [(name, cut(value)) for name, value in rows if value]


def _printable(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(script: str) -> str:
    return base64.b64encode(sha256(script.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    """Return what makes pages of templates; what cannot be printed is never in a page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, finalize=_printable,
    )  # fmt: skip
    environment.globals["marks"] = MARKS
    return environment
