"""The exchange fails with 5xx, before or after an order had its effect, or just hangs up."""

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
    """Let orders fail in every way of which nobody can tell what became of them."""
    return aim.ill(
        "failed_before_effect", "failed_after_effect", "bad_gateway_after_effect",
        "closed_before_effect", "closed_after_effect", "query_unavailable",
        on="entry", percent=15,
    )  # fmt: skip


FAULT = Fault(
    name="fail_exchange",
    family="exchange",
    breaks=__doc__,
    words=acts,
    injected="5xx or a closed connection to a share of the orders, with and without their effect",
    observed=ANSWERED_SO,
    undone=ANSWERS_WELL,
    threatens=("duplicated", "asked_before_resubmitting", "one_terminal_state", "lost"),
    on=(EXECUTION,),
    needs=("simulated exchange",),
    by=LAPTOP,
    lasts_s=(4, 8),
)
