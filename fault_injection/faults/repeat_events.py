"""Events that were produced come again, as they are: another entry with the same identity."""

from __future__ import annotations

from fault_injection.faults.fault import LAPTOP, ROUTER, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Add a share of the latest events once more."""
    return aim.act("repeat", percent=aim.chance.between(10, 60), times=aim.chance.between(1, 3))


FAULT = Fault(
    name="repeat_events",
    family="events",
    breaks=__doc__,
    words=acts,
    injected="XADD of a share of the latest events, one to three times more",
    observed="the stream has two entries of one identity",
    undone="nothing stays behind: a repetition settles with its original",
    threatens=("duplicated", "conservation", "one_terminal_state"),
    on=(ROUTER,),
    by=LAPTOP,
)
