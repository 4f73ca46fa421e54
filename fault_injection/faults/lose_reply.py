"""The reply to a command is lost after its effect: the consumer sees a broken connection."""

from __future__ import annotations

from collections.abc import Mapping

from fault_injection.faults.fault import (
    EXECUTION,
    ROUTER,
    STARTED_SO,
    STARTED_WITHOUT,
    Aim,
    Fault,
    Words,
)

#: service -> its points right after a script that has an effect
POINTS: Mapping[str, tuple[str, ...]] = {
    EXECUTION: ("execution.after_claim", "execution.after_begin", "execution.after_finish"),
    ROUTER: ("router.after_route",),
}


def steps(aim: Aim) -> Words:
    """Start the unit anew with the failpoint set."""
    point = aim.chance.one_of(POINTS[aim.target.service])
    told = f"{point}={aim.chance.between(1, 10)}*off->{aim.chance.between(1, 3)}*error"
    return aim.failpoint(told)


FAULT = Fault(
    name="lose_reply",
    family="network",
    breaks=__doc__,
    words=steps,
    injected="a drop-in with QUANTUM_FAILPOINTS, and a restart",
    observed=STARTED_SO,
    undone=STARTED_WITHOUT,
    threatens=("duplicated", "one_terminal_state", "lawful_transitions"),
    on=(EXECUTION, ROUTER),
    lasts_s=(5, 10),
)
