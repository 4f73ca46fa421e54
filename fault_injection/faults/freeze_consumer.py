"""A consumer stands still past its heartbeat, so that a peer takes its entries, and goes on."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Stop every process of the unit."""
    return ({"do": "freeze", "unit": aim.target.unit},)


FAULT = Fault(
    name="freeze_consumer",
    family="consumer",
    breaks=__doc__,
    words=steps,
    injected="SIGSTOP to every process of the unit",
    observed="the kernel says that they are stopped",
    undone="SIGCONT to those that we have stopped",
    threatens=("duplicated", "claims_from_the_dead", "one_terminal_state"),
    # beyond the heartbeat's 10 s and the idle time's 5 s, below the watchdog's 30 s
    lasts_s=(16, 20),
)
