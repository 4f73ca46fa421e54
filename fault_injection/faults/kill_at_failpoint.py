"""A consumer is killed at a named point between reading an entry and settling it, at each start."""

from __future__ import annotations

from collections.abc import Mapping

from fault_injection.faults.fault import (
    DECISION_INTELLIGENCE,
    EXECUTION,
    ROUTER,
    STARTED_SO,
    STARTED_WITHOUT,
    Aim,
    Fault,
    Words,
)

#: service -> its points of QUANTUM_FAILPOINTS on the way from an entry to its end
POINTS: Mapping[str, tuple[str, ...]] = {
    EXECUTION: (
        "execution.after_claim", "execution.before_begin", "execution.after_begin",
        "execution.before_submit", "execution.after_submit", "execution.before_finish",
        "execution.after_finish",
    ),
    ROUTER: ("router.before_route", "router.after_route"),
    DECISION_INTELLIGENCE: (
        "decision_intelligence.before_count", "decision_intelligence.after_count",
    ),
}  # fmt: skip
#: So many visits pass by before the one that kills; none at all would let no entry come to its end.
VISITS = (1, 20)


def steps(aim: Aim) -> Words:
    """Start the unit anew with the failpoint set."""
    point = aim.chance.one_of(POINTS[aim.target.service])
    told = f"{point}={aim.chance.between(*VISITS)}*off->1*kill"
    return aim.failpoint(told)


FAULT = Fault(
    name="kill_at_failpoint",
    family="consumer",
    breaks=__doc__,
    words=steps,
    injected="a drop-in with QUANTUM_FAILPOINTS, and a restart",
    observed=STARTED_SO,
    undone=STARTED_WITHOUT,
    threatens=("duplicated", "one_terminal_state", "lawful_transitions", "ack_after_effect"),
    on=(EXECUTION, ROUTER, DECISION_INTELLIGENCE),
    lasts_s=(5, 8),
    kills=True,
)
