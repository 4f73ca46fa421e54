"""Run the steps of a fault, look whether they hold, and play them backwards.

Each kind of step is a file of its own, loaded when it is used: `refuse` says before anything is
armed why this host cannot, `records` yields what the journal keeps before each `do`, and `undo` is
right whatever of `do` had happened.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from .boundaries import BOUNDARIES, cross
from .failing import AgentError, one_line, translated
from .machine import Machine
from .services import ServiceError
from .store import Transaction

KINDS = ("freeze", "kill", "held", "nft", "mount", "mode", "redis", "dropin")
#: What is undone has this long to be seen to be gone, in seconds.
GONE_WITHIN_S = 60.0
LOOK_EVERY_S = 0.1


class Kind(Protocol):
    """What the module of a kind of step has."""

    def refuse(self, machine: Machine, step: Mapping[str, Any]) -> None:
        """Raise AgentError where the step cannot be run, or not be undone."""

    def records(
        self, machine: Machine, step: Mapping[str, Any], name: str
    ) -> Iterator[dict[str, Any]]:
        """Yield what `do` and `undo` need to know; each is done before the next is asked for."""

    def do(self, machine: Machine, record: Mapping[str, Any]) -> None:
        """Make it so."""

    def observe(self, machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
        """Tell whether it is `on`, whether it is `gone`, and more that is known of it."""

    def undo(self, machine: Machine, record: Mapping[str, Any]) -> None:
        """Make it as before, as often as it is asked for."""


def kind_of(do: object) -> Kind:
    """Return the module of a kind of step; raises AgentError when there is none."""
    if do not in KINDS:
        raise AgentError("request", f"a fault has no step {do!r}: it has {', '.join(KINDS)}")
    return cast("Kind", importlib.import_module(f".step_{do}", __package__))


def refuse(machine: Machine, steps: Sequence[Mapping[str, Any]]) -> None:
    """Ask each step before the first runs."""
    if not steps:
        raise AgentError("request", "a fault has at least one step")
    for step in steps:
        try:
            kind_of(step.get("do")).refuse(machine, step)
        except KeyError as error:
            raise AgentError("request", f"a step {step.get('do')!r} without {error}") from None
        except (AgentError, OSError, ServiceError) as error:
            raise translated(error, title(step)) from None


def inject(
    machine: Machine,
    tx: Transaction,
    steps: Sequence[Mapping[str, Any]],
    check: Callable[[], None],
) -> None:
    """Run the steps, each with its undo journaled first."""
    for number, step in enumerate(steps, 1):
        kind, begun = kind_of(step["do"]), False
        try:
            for known in kind.records(machine, step, f"{tx.id}-{number}"):
                check()
                record = {"n": number, "do": step["do"], **known}
                tx.journal.append(record)
                kind.do(machine, record)
                cross()
                begun = True
        except (AgentError, OSError, ServiceError) as error:
            raise translated(error, title(step)) from None
        if not begun:
            raise AgentError("refused", "there is nothing left to do", step=title(step))


def look(machine: Machine, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what is seen of each step now; what cannot be looked at is neither on nor gone."""
    seen = []
    for record in records:
        try:
            found = kind_of(record["do"]).observe(machine, record)
        except (AgentError, OSError, ServiceError) as error:
            found = {"on": False, "gone": False, "why": one_line(error)}
        seen.append({"do": record["do"], "what": title(record), **found})
    return seen


def wait(
    machine: Machine,
    records: Sequence[Mapping[str, Any]],
    what: str,
    within_s: float,
    check: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Look until all steps are `on`, or `gone`; raises AgentError naming those that are not."""
    until = time.monotonic() + within_s
    while True:
        seen = look(machine, records)
        missing = [each for each in seen if not each[what]]
        if not missing:
            return seen
        if time.monotonic() >= until:
            told = "; ".join(f"{each['what']} {each.get('why', '')}".strip() for each in missing)
            raise AgentError("unobserved", f"within {within_s:.0f} s it is not seen {what}: {told}")
        check()
        time.sleep(LOOK_EVERY_S)


def undo_all(
    machine: Machine, records: Sequence[Mapping[str, Any]], gone_within_s: float = GONE_WITHIN_S
) -> list[dict[str, Any]]:
    """Play the journal backwards and see that nothing is left; raises AgentError for what is.

    What does not go keeps nothing else back, and is tried once more: it may have hung on the rest.
    """
    left, problems = list(reversed(records)), list[str]()
    for _ in range(2):
        again, problems = [], []
        for record in left:
            BOUNDARIES.fence()
            try:
                kind_of(record["do"]).undo(machine, record)
            except (AgentError, OSError, ServiceError) as error:
                again.append(record)
                problems.append(f"{title(record)}: {one_line(error)}")
            cross()
        left = again
    if problems:
        raise AgentError("in_doubt", "; ".join(problems))
    if machine.services.booting:  # units come up after us
        return look(machine, records)
    return wait(machine, records, "gone", gone_within_s)


def touched(step: Mapping[str, Any]) -> set[str]:
    """Return what two faults must not change at once: the first undo would find the second's."""
    do, names = step.get("do"), [step.get("path") or step.get("unit") or ""]
    if do in ("kill", "nft", "dropin"):
        return set()
    if do == "redis":
        names = [*step.get("config", ()), *(key for key in ("pause",) if key in step)]
        names += [f"user {step['acl']['user']}"] if "acl" in step else []
        names = [f"{step.get('port', 6379)} {name}" for name in names]
    return {f"{do} {name}" for name in names}


def title(step: Mapping[str, Any]) -> str:
    """Return a step's name for a person."""
    about = next((str(step[key]) for key in ("unit", "path", "table") if step.get(key)), "")
    return f"{step.get('do')} {about}".strip()
