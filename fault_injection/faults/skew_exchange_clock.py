"""The exchange's clock is not ours: it refuses every order as too old, or as yet to come."""

from __future__ import annotations

from fault_injection.faults.fault import EXECUTION, LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Set it ahead beyond what a request is good for, or behind beyond what may be early."""
    return aim.act("skew_clock", ahead_ms=aim.chance.one_of((8_000, -4_000)))


FAULT = Fault(
    name="skew_exchange_clock",
    family="exchange",
    breaks=__doc__,
    words=acts,
    injected="its clock is set ahead or behind",
    observed="the exchange's own record tells of calls that were refused with -1021",
    undone="it is set back",
    threatens=("one_terminal_state", "recovery", "asked_before_resubmitting"),
    on=(EXECUTION,),
    needs=("simulated exchange",),
    by=LAPTOP,
    lasts_s=(4, 8),
)
