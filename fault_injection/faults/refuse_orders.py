"""The exchange refuses orders: below its least notional, or because their id is taken."""

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
    """Refuse some for good, and some that it has accepted."""
    return aim.ill("too_small", "id_taken", on="entry", percent=30)


FAULT = Fault(
    name="refuse_orders",
    family="exchange",
    breaks=__doc__,
    words=acts,
    injected="-4164 and -4116 to a share of the orders, the latter after their effect",
    observed=ANSWERED_SO,
    undone=ANSWERS_WELL,
    threatens=("filled_means_filled", "one_terminal_state", "duplicated"),
    on=(EXECUTION,),
    needs=("simulated exchange",),
    by=LAPTOP,
    lasts_s=(4, 8),
)
