"""Only half of an order finds a taker; the rest stays open, or expires."""

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
    """Fill half of some orders."""
    return aim.ill("partly_filled", "partly_filled_and_expired", on="entry", percent=30)


FAULT = Fault(
    name="fill_in_part",
    family="exchange",
    breaks=__doc__,
    words=acts,
    injected="half of the quantity of a share of the orders is filled",
    observed=ANSWERED_SO,
    undone=ANSWERS_WELL,
    threatens=("filled_means_filled", "one_terminal_state"),
    on=(EXECUTION,),
    needs=("simulated exchange",),
    by=LAPTOP,
    lasts_s=(4, 8),
)
