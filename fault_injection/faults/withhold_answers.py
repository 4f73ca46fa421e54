"""An order is accepted, and its answer comes late, too late, or only after it is given up."""

from __future__ import annotations

from fault_injection.faults.fault import (
    ANSWERED_SO,
    ANSWERS_WELL,
    EXECUTION,
    LAPTOP,
    Aim,
    Fault,
    Words,
)


def acts(aim: Aim) -> Words:
    """Hold answers back, and let requests lie about on their way."""
    ways = ("no_answer_after_effect", "lands_late", "late_answer")
    return aim.ill(*ways, on="entry", percent=30)


FAULT = Fault(
    name="withhold_answers",
    family="exchange",
    breaks=__doc__,
    words=acts,
    injected="answers held back after the effect, and orders that arrive after their caller left",
    observed=ANSWERED_SO,
    undone=ANSWERS_WELL,
    threatens=(
        "duplicated",
        "asked_before_resubmitting",
        "one_terminal_state",
        "filled_means_filled",
    ),
    on=(EXECUTION,),
    needs=("simulated exchange",),
    by=LAPTOP,
    lasts_s=(4, 8),
)
