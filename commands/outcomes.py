"""How a deploy ended: for people, for `--json`, for the record and for the exit code; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import DONE, FAILED, IN_DOUBT, QuantumError

#: States of a host beside committed, rolled_back, unchanged and in_doubt.
UNTOUCHED, LEFT_OUT, APPLIED = "untouched", "left_out", "applied"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deploy ended."""

    state: str  #: unchanged, committed, partly_committed, rolled_back, in_doubt
    transaction: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)  #: host -> its own state
    reasons: tuple[str, ...] = ()
    batches: tuple[tuple[str, ...], ...] = ()  #: the hosts of each batch that was begun, in order
    left_out: Mapping[str, QuantumError] = field(default_factory=dict)  #: host -> why

    @property
    def exit_code(self) -> int:
        """0 when the hosts are what was asked for, 2 in doubt or drifted, 1 otherwise."""
        done = {"unchanged": DONE, "committed": DONE, "in_doubt": IN_DOUBT}.get(self.state, FAILED)
        missed = (
            IN_DOUBT if error.exit_code == IN_DOUBT else FAILED for error in self.left_out.values()
        )
        return max([done, *missed])

    def document(self) -> dict[str, Any]:
        """Return the outcome for `--json`."""
        return {
            "state": self.state,
            "transaction": self.transaction,
            "hosts": dict(self.hosts),
            "reasons": list(self.reasons),
            "batches": batches_document(self.batches, self.hosts),
            "left_out": left_out_document(self.left_out),
        }


def batches_document(
    batches: Iterable[Sequence[str]], states: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return each batch with its hosts and how they ended together."""
    return [
        {"hosts": list(names), "state": together(states[name] for name in names)}
        for names in batches
    ]


def left_out_document(left_out: Mapping[str, QuantumError]) -> dict[str, dict[str, str]]:
    """Return for each host that was left out the step and the cause."""
    return {
        name: {"kind": type(error).__name__, "step": error.step, "cause": error.cause}
        for name, error in left_out.items()
    }


def together(states: Iterable[str]) -> str:
    """Return how hosts ended that were to end alike: committed, rolled_back, or in doubt."""
    kinds = set(states)
    return kinds.pop() if kinds in ({"committed"}, {"rolled_back"}) else "in_doubt"


def overall(states: Mapping[str, str], batches: Iterable[Sequence[str]], *, per_batch: bool) -> str:
    """Return how all of it ended. A deploy that stopped before any change is rolled back, too.

    All hosts of one transaction are to end alike; with `per_batch` those of each batch are, and
    some batches may keep what others have lost.
    """
    begun = [name for names in batches for name in names]
    if not begun:
        return "rolled_back"
    if not per_batch:
        return together(states[name] for name in begun)
    ends = {together(states[name] for name in names) for names in batches}
    if "in_doubt" in ends:
        return "in_doubt"
    if ends == {"committed"} and UNTOUCHED not in states.values():
        return "committed"
    return "partly_committed" if "committed" in ends else "rolled_back"
