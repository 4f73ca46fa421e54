"""Come to a run's end: nothing broken, everything read, every claim checked, the last line.

Also for a run whose harness died: what it left broken goes, and what can be read again is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import redis

from fault_injection.exchange_acts import calls
from fault_injection.exchange_simulator.steering import look
from fault_injection.faults.fault import AGENT, EXECUTION
from fault_injection.gathering import Opened, ended
from fault_injection.gathering.place import Place
from fault_injection.history.happenings import (
    AFTER,
    DISARMED,
    GONE,
    UNDONE,
    Fault,
    Happening,
    Produced,
    Steady,
)
from fault_injection.history.reading import read
from fault_injection.history.writing import Writer
from fault_injection.runs.folder import Folder
from fault_injection.runs.hands import AgentHand, stage
from fault_injection.runs.sampling import Sampler
from fault_injection.runs.system import System
from fault_injection.runs.talking import Line
from fault_injection.runs.workers import beside
from harness.errors import ConfigurationError, HistoryError, QuantumError
from harness.fingerprints import differences

T = TypeVar("T")

#: What waits in the streams has this long to be worked off in the end, in seconds.
REST_WITHIN_S = 120.0
LOOK_EVERY_S = 0.1
#: Reading what became of everything may be begun anew for so long: Redis may still be coming up.
READ_WITHIN_S = 60.0
LINES_AT_ONCE = 2_000


def wait_for_rest(sampler: Sampler) -> bool:
    """Wait until nothing waits in any flow; what does after that is told by the snapshot."""
    deadline = time.monotonic() + REST_WITHIN_S
    while not sampler.at_rest():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def finish(
    history: Writer,
    write: Callable[..., None],
    folder: Folder,
    places: Sequence[Place],
    system: System,
    claims: Sequence[str],
) -> None:
    """Read what became of everything, check the claims, compare the hosts, and close."""
    stood = folder.stood()
    if stood is None:
        raise HistoryError(
            f"{folder.id} did not come so far that anything was broken", step="resume",
            action="start a new run",
        )  # fmt: skip
    line = Line(system.redis)
    for place in places:
        opened = Opened.of(stood["places"][place.flow])
        deadline = time.monotonic() + READ_WITHIN_S
        while True:
            try:
                found = line.insist(
                    lambda client, p=place, o=opened: list(ended(client, p, o)),  # type: ignore[misc]
                    READ_WITHIN_S, f"reading what became of {place.flow}",
                )  # fmt: skip
                break
            except redis.ResponseError:  # it is still loading what it has on its disk
                if time.monotonic() > deadline:
                    raise
                time.sleep(LOOK_EVERY_S)
        for some in _in_parts([*_called(place, found), *found], LINES_AT_ONCE):
            history.write(*some)
    line.hang_up()
    write(*system.prove(claims))
    system.stand_as_before()
    write(_as_before(stood["hosts"], system))
    history.close()


def _called(place: Place, found: Iterable[Happening]) -> Iterator[Happening]:
    """Yield what the simulated exchange was asked for these entries, where there is one."""
    if place.exchange and place.flow == EXECUTION:
        identities = [each.identity for each in found if isinstance(each, Produced)]
        yield from calls(look(place.exchange, "log")["calls"], place.flow, identities)


def _as_before(before: Any, system: System) -> Steady:
    try:
        well, said = system.well()
        differing = differences(before, system.fingerprints())
    except QuantumError as error:
        return Steady(phase=AFTER, well=False, said=str(error))
    if differing:
        return Steady(
            phase=AFTER, well=False, said=f"the hosts are not as before: {'; '.join(differing)}"
        )
    return Steady(phase=AFTER, well=well, said=said)


def resume(
    folder: Folder,
    system: System,
    places: Sequence[Place],
    claims: Sequence[str],
    tell: Callable[..., None],
) -> bool:
    """Undo what a dead harness left, and read and check as in the end; tells whether it had to.

    A history that has its last line is left alone. Raises ConfigurationError where there is none.
    """
    if not folder.history.exists():
        raise ConfigurationError(
            f"{folder.id} has no history: nothing was broken in it", step="resume",
            action="invoke faults.heal, to be sure, then start a new run",
        )  # fmt: skip
    before = read(folder.history)
    if before.closed:
        return False
    over = {each.fault for each in before.of(Fault) if each.stage == GONE}
    with Writer.resume(folder.history, "invoke faults.resume") as history:

        def write(*happenings: Happening) -> None:
            if happenings:
                history.write(*happenings)
            tell(*happenings)

        _undo_left(folder, system, over, write)
        sampler = Sampler(places, Line(system.redis), write)
        with beside(sampler.work):
            wait_for_rest(sampler)
        finish(history, write, folder, places, system, claims)
    return True


def _undo_left(folder: Folder, system: System, over: set[str], write: Callable[..., None]) -> None:
    """Undo every fault of this run that a host still has, or has undone by itself meanwhile."""
    planned = [each for each in folder.schedule().faults if str(each.number) not in over]
    for host in sorted({each.host for each in planned if each.by == AGENT}):
        hand = AgentHand(folder.id, host, system, write)
        contact = system.reach(host)
        try:
            known = {each["tx"] for each in contact.session.faults(over=True)}
            contact.session.fault_heal(meta=system.operator)
        finally:
            contact.close()
        for each in reversed(planned):
            if each.host == host and each.by == AGENT and hand.name(each) in known:
                write(stage(each, UNDONE, "by resume"), stage(each, GONE), stage(each, DISARMED))


def _in_parts(many: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(many)
    while some := list(islice(rest, size)):
        yield some
