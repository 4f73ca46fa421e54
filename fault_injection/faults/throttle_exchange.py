"""The exchange has had enough of us: it answers a share of all calls with 429."""

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
    """Throttle calls of every kind; each time it wants to be left alone for a second."""
    return aim.ill("throttled", on="any", percent=10 * aim.chance.between(1, 3))


FAULT = Fault(
    name="throttle_exchange",
    family="exchange",
    breaks=__doc__,
    words=acts,
    injected="429 with Retry-After to a share of the calls",
    observed=ANSWERED_SO,
    undone=ANSWERS_WELL,
    threatens=("one_terminal_state", "recovery", "asked_before_resubmitting"),
    on=(EXECUTION,),
    needs=("simulated exchange",),
    by=LAPTOP,
    lasts_s=(4, 8),
)
