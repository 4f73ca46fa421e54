"""The verdict as one plain sentence: what was run, what was broken, what held or did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fault_injection.checkers import Judgement
from fault_injection.history.happenings import INFO
from fault_injection.report.courses import Course
from fault_injection.report.wording import cut, lasted, listed, many
from proofs.finding import Verdict


def sentence(told: Mapping[str, Any], judgement: Judgement, every: Sequence[Course]) -> str:
    """Return it; `told` is the run's summary."""
    return f"{judgement.verdict.name.capitalize()}: {_run(told)}, {_broken(every)}; " + _held(
        told, judgement
    )


def _run(told: Mapping[str, Any]) -> str:
    if told["seed"] is None:
        return "a history without its first line"
    what = f"{cut(told['scenario'], 60)} with seed" if told["scenario"] else "seed"
    operations = many(told["operations"]["all"], "operation")
    if unknown := told["operations"][INFO]:
        operations += f" ({unknown:,} of which nobody knows the end)"
    where = f"on {cut(told['inventory'], 60)}" if told["inventory"] else "on no inventory"
    return f"{what} {told['seed']} {where} ran {operations} in {lasted(told['lasted_ns'])}"


def _broken(every: Sequence[Course]) -> str:
    seen = [each for each in every if each.observed]
    if not every:
        return "and no fault was planned"
    kinds = Counter(each.name for each in (seen or every))
    names = listed((f"{n} {name}" if n > 1 else name for name, n in kinds.most_common()), 4)
    if not seen:
        return f"and none of {many(len(every), 'planned fault')} was observed ({names})"
    if len(seen) < len(every):
        return f"while {len(seen):,} of {len(every):,} faults were observed ({names})"
    return f"while {many(len(seen), 'fault was', 'faults were')} observed ({names})"


def _held(told: Mapping[str, Any], judgement: Judgement) -> str:
    asked = len(judgement.findings)
    by: dict[Verdict, list[str]] = {each: [] for each in Verdict}
    for name, finding in judgement.findings.items():
        by[finding.verdict].append(name)
    held = f"{len(by[Verdict.proved])} of {many(asked, 'check')} held"
    if judgement.verdict is Verdict.proved:
        none = [word for word in ("lost", "doubled") if told[word] == 0]
        all_held = f"all {many(asked, 'check')} held"
        return f"nothing was {' or '.join(none)}, and {all_held}" if none else all_held
    if judgement.verdict is Verdict.unknown:
        return f"{listed(by[Verdict.unknown])} could not be told, so nothing is proved; {held}"
    numbers = [f"{told[word]:,} {word}" for word in ("lost", "doubled") if told[word]]
    counted = f"{listed(numbers)}: " if numbers else ""
    return f"{counted}{listed(by[Verdict.refuted])} {_do(by[Verdict.refuted])} not hold; {held}"


def _do(names: Sequence[str]) -> str:
    return "does" if len(names) == 1 else "do"
