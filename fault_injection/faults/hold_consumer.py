"""A consumer is stopped in good order and stays down, while its stream goes on."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Stop the unit and keep it down."""
    return ({"do": "held", "unit": aim.target.unit},)


FAULT = Fault(
    name="hold_consumer",
    family="consumer",
    breaks=__doc__,
    words=steps,
    injected="systemctl stop",
    observed="it is not active, and has no process",
    undone="it is started, if it ran before",
    threatens=("lost", "claims_from_the_dead", "recovery"),
    lasts_s=(8, 20),
)
