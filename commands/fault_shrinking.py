"""Run parts of a refuted schedule until no fault of it can be left out."""

from __future__ import annotations

from typing import Any

from commands import fault_runs
from commands.choosing import Chosen
from commands.naming import expect_name
from commands.showing import Display
from fault_injection.runs import folder
from fault_injection.schedules import Schedule, encode, shrink, told
from harness.errors import DONE, ConfigurationError
from proofs.finding import Verdict

STEP = "faults.shrink"
#: The checker that takes the claims' word.
CLAIMS = "proofs_held"
#: What is left of it, in the folder of the run that it was made of.
SHRUNK = "shrunk.json"


def carry_out(
    chosen: Chosen, name: str, display: Display, *, most_runs: int, yes: bool
) -> dict[str, Any]:
    """Return what is left and after how many runs; raises ConfigurationError for a run that held.

    A part fails where a checker is refuted that was refuted in the whole: another weakness that it
    meets by chance is not what is looked for.
    """
    place = folder.find(chosen.inventory.records, name)
    wanted = refuted(place.judgement() or {})
    if not wanted:
        raise ConfigurationError(
            f"{place.id} was not refuted: there is nothing to shrink", step=STEP,
            action="invoke history, and name a run that was",
        )  # fmt: skip
    expect_name(chosen, display, "these hosts will be broken again and again", STEP, yes=yes)
    fault_runs.expect_allowed(chosen, place.schedule(), display)

    def fails(part: Schedule) -> bool:
        display.say(f"{len(part.faults)} faults: {_names(part)}", "bold")
        return bool(wanted & refuted(fault_runs.run_and_judge(chosen, part, display)))

    try:
        found = shrink(place.schedule(), fails, most_runs)
    except ValueError:
        raise ConfigurationError(
            f"{place.id} is not refuted any more, run as it was", step=STEP,
            action="run it again: what it found does not come every time",
        ) from None  # fmt: skip
    place.keep(SHRUNK, encode(found.schedule))
    display.idle()
    for line in told(found.schedule):
        display.say(line)
    least = "none can be left out" if found.minimal else "the runs ran out: perhaps fewer would do"
    display.say(f"{len(found.schedule.faults)} faults after {found.calls} runs; {least}", "bold")
    display.say(f"again: invoke faults.replay {place.path / SHRUNK}", "dim")
    return {
        "run": place.id, "refuted": sorted(wanted), "runs": found.calls, "minimal": found.minimal,
        "faults": [each.fault for each in found.schedule.faults],
        "schedule": str(place.path / SHRUNK), "exit_code": DONE,
    }  # fmt: skip


def refuted(judgement: Any) -> set[str]:
    """Return the checkers that refuted it, of a judgement as it is kept.

    Claims are no part of it where anything else is: they look at the past as well, and what one run
    has lost refutes them in all that follow.
    """
    findings = judgement.get("findings", {})
    found = {name for name, each in findings.items() if each["verdict"] == Verdict.refuted.name}
    return found - {CLAIMS} or found


def _names(part: Schedule) -> str:
    return ", ".join(each.fault for each in part.faults) or "none"
