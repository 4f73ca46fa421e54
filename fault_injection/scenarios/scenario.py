"""What a scenario is: a workload, the faults that come amid it, and what must hold all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fault_injection.faults.fault import PLACES, Fault
from fault_injection.scenarios.holding import WATCHED

#: A workload's name -> what it does.
WORKLOADS: Mapping[str, str] = {
    "apply_result": "results of every shape that occurs, for decision intelligence",
    "decision_made": "decisions of every shape that occurs, through the router to execution",
    "everything": "two results for each decision, all three consumers at work at once",
    "deploys": "real deploys of two releases in turn, while decisions go on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A fault in a scenario: on which services, how often, and whether amid the first one."""

    fault: Fault
    on: tuple[str, ...] = ()  #: short names; () for all that the fault is for
    times: tuple[int, int] = (1, 1)
    #: on the host of the scenario's first fault, while that one lasts, and undone after it
    amid: bool = False
    peers: bool = False  #: another unit of the service must be there, to take over

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services that it may hit."""
        return self.on or self.fault.on


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One trial that can be drawn, run and judged."""

    name: str
    family: str
    about: str  #: the module's docstring
    workload: str
    per_s: int  #: events
    uses: tuple[Use, ...]
    checkers: tuple[str, ...]  #: names of fault_injection/checkers
    claims: tuple[str, ...]  #: names of proofs/
    faults_for_s: int = 60  #: all faults come and go within so long
    #: else they come one after the other, so far apart: too long for a day, it is run alone
    every_ms: int = 0

    @property
    def watched(self) -> bool:
        """Tell whether Redis can be watched all the time."""
        return not any(use.fault.ends_watch for use in self.uses)

    @property
    def must_hold(self) -> tuple[str, ...]:
        """Return the checkers that judge it, without those that nobody could watch for."""
        return tuple(each for each in self.checkers if self.watched or each not in WATCHED)

    @property
    def threatens(self) -> tuple[str, ...]:
        """Return what must hold and is threatened by its faults."""
        held = {*self.must_hold, *self.claims}
        threatened = [each for use in self.uses for each in use.fault.threatens if each in held]
        return tuple(dict.fromkeys(threatened))

    @property
    def where(self) -> tuple[str, ...]:
        """Return the places that can have all of its faults."""
        return tuple(
            place for place in PLACES if all(place in use.fault.where for use in self.uses)
        )


def rests_on(wanted: Iterable[Scenario]) -> tuple[str, ...]:
    """Return the checkers that a run of these must have watched for: none if one ends the watch."""
    every = list(wanted)
    if not all(each.watched for each in every):
        return ()
    return tuple(sorted(WATCHED & {name for each in every for name in each.must_hold}))
