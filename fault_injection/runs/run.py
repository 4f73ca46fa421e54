"""The way through a run: each scenario in turn with its workload, its faults and its recovery."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fault_injection import exchange_acts
from fault_injection.act import Act
from fault_injection.deploys import acts as deploy_acts
from fault_injection.faults import REGISTRY
from fault_injection.faults.fault import AGENT, DECISION_INTELLIGENCE, LAPTOP, ROUTER
from fault_injection.gathering import opened
from fault_injection.history.happenings import (
    AFTER,
    BEFORE,
    BEGINS,
    DURING,
    ENDED_EARLY,
    PLANNED,
    RUN,
    Happening,
    Opening,
    Process,
    Steady,
)
from fault_injection.history.writing import Writer
from fault_injection.runs import ending
from fault_injection.runs.acts import ACTS, Around
from fault_injection.runs.feeding import Feeder, Producer, events
from fault_injection.runs.flows import DEPLOYS, flow_lines, gated, reached_by
from fault_injection.runs.folder import STOOD, Folder
from fault_injection.runs.hands import AgentHand, Hand, LaptopHand, death, stage
from fault_injection.runs.sampling import Sampler
from fault_injection.runs.seeing import Watched
from fault_injection.runs.system import Deploying, System
from fault_injection.runs.talking import Line
from fault_injection.runs.workers import Worker, beside
from fault_injection.schedules.schedule import Planned, Schedule, Slot, digest
from harness.errors import QuantumError

#: Well again means: no worse than before for so many looks in a row (sampling.EVERY_S apart).
BACK_FOR = 5
#: A unit that is still coming up has this long to be there before and after the faults.
WELL_WITHIN_S = 60.0
#: How it is afterwards is looked at for so long, in seconds.
AFTERWARDS_S = 5.0
#: What ends a run at once: so much lag, or so long without a look at Redis, in seconds.
MOST_LAG, MOST_SILENCE_S = 200_000, 180.0
LOOK_EVERY_S = 0.05
#: workload -> what it is made of: the maker of events, whose stream they go to, their share
FEEDS: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "apply_result": (("apply_result", DECISION_INTELLIGENCE, 1.0),),
    "decision_made": (("decision_made", ROUTER, 1.0),),
    "everything": (
        ("apply_result", DECISION_INTELLIGENCE, 2 / 3), ("decision_made", ROUTER, 1 / 3),
    ),
    "deploys": (("decision_made", ROUTER, 1.0),),
}  # fmt: skip

Tell = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is to be."""

    schedule: Schedule
    claims: Sequence[str]
    scenario: str = ""  #: "" for a day of several
    version: str = ""
    at_least: int = 100  #: operations
    rests_on: Sequence[str] = ()  #: checkers that must have something to look at


@dataclass(slots=True)
class _Live:
    """What goes on in a slot."""

    slot: Slot
    began_s: float
    feeders: dict[str, Feeder] = field(default_factory=dict)
    deploys: Deploying | None = None


def carry_out(folder: Folder, wanted: Wanted, system: System, tell: Tell) -> None:
    """Run it from the first line to the last; the history in the folder says all that happened.

    Raises QuantumError where it could not begin or not go on; then nothing that the laptop can
    reach is broken any more, and ending.resume judges what there is. So does Ctrl-C.
    """
    slots = wanted.schedule.slots
    hosts = system.fingerprints()
    system.stand(slots[0].workload)
    places = reached_by(slots, system.places)
    watch = Watched(places, system)
    line = Line(system.redis)
    stood = line.insist(
        lambda client: {each.flow: opened(client, each) for each in places},
        WELL_WITHIN_S, "looking where the groups stand",
    )  # fmt: skip
    watch.opened = stood
    told = {flow: each.told() for flow, each in stood.items()}
    folder.keep(STOOD, {"places": told, "hosts": hosts})
    line.hang_up()
    with Writer.begin(folder.history, _opening(wanted, system)) as history:

        def write(*happenings: Happening) -> None:
            if happenings:
                history.write(*happenings)
            tell(*happenings)

        write(*flow_lines(places, watch.evidence, others=gated(slots)))
        write(*(stage(each, PLANNED) for each in wanted.schedule.faults))
        sampler = Sampler(places, Line(system.redis), write)
        with beside(sampler.work), beside(lambda stop: watch.work(stop, history)):
            run = _Run(folder, wanted, system, sampler, write)
            try:
                run.all_slots()
            finally:
                run.undo_all()
            ending.wait_for_rest(sampler)
        if watch.broken:
            write(*flow_lines(places, watch.evidence, others=gated(slots)), Process(
                name="watch", did="broke off", said=watch.broken
            ))  # fmt: skip
        ending.finish(history, write, folder, places, system, wanted.claims)


def _opening(wanted: Wanted, system: System) -> Opening:
    return Opening(
        tool="quantum-ops", version=wanted.version, seed=wanted.schedule.seed,
        schedule=digest(wanted.schedule), inventory=system.inventory, mode=system.mode,
        scenario=wanted.scenario, at_least=wanted.at_least, back_for=BACK_FOR,
        rests_on=tuple(wanted.rests_on),
        targets=tuple(
            death(each) for each in wanted.schedule.faults if REGISTRY[each.fault].kills
        ),
    )  # fmt: skip


class _Run:
    """One run's threads and connections."""

    def __init__(
        self, folder: Folder, wanted: Wanted, system: System, sampler: Sampler,
        write: Callable[..., None],
    ) -> None:  # fmt: skip
        self._folder, self._wanted, self._system = folder, wanted, system
        self._sampler, self._write = sampler, write
        self._live: _Live | None = None
        self._hands: dict[str, tuple[Hand, Worker]] = {}
        self._looker = Worker("look")
        self._ended = ""

    def all_slots(self) -> None:
        """Run one scenario after the other, until one leaves the system ill or somebody says so."""
        for number, slot in enumerate(self._wanted.schedule.slots):
            faults = [
                each for each in self._wanted.schedule.faults
                if slot.from_ms <= each.at_ms < slot.to_ms
            ]  # fmt: skip
            self._slot(number, slot, faults)
            if self._ended:
                self._write(Process(name=RUN, did=ENDED_EARLY, said=self._ended))
                return

    def undo_all(self) -> None:
        """Undo what is still there, each hand for itself, and close connections."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._looker.end)
            for hand, worker in self._hands.values():
                stack.callback(hand.close)
                stack.callback(worker.end)  # which comes first

    def _workers(self) -> list[Worker]:
        return [self._looker, *(worker for _, worker in self._hands.values())]

    def _slot(self, number: int, slot: Slot, faults: Sequence[Planned]) -> None:
        self._write(Process(name=RUN, did=BEGINS, said=f"{slot.scenario}, seed {slot.seed}"))
        self._system.stand(slot.workload)
        self._steady(BEFORE)
        with contextlib.ExitStack() as stack:
            feeders = list(self._feeders(number, slot))
            self._live = _Live(slot, time.monotonic(), {each.place.flow: each for each in feeders})
            for feeder in feeders:
                stack.enter_context(beside(feeder.work))
            if slot.workload == DEPLOYS:
                self._live.deploys = self._system.deploys(self._folder.path, self._write)
                stack.enter_context(beside(self._live.deploys.work))
            self._sampler.begin_baseline()
            self._wait_until(slot.faults_from_ms)
            self._sampler.end_baseline()
            try:
                self._break(faults)
            except BaseException:
                self._ended = self._ended or "it was broken off"
                raise
            finally:
                self._mend(faults)
            self._recover(slot)
        self._steady(AFTER)

    def _break(self, faults: Sequence[Planned]) -> None:
        moments = [(each.at_ms, 0, each.number, each) for each in faults]
        moments += [(each.undo_at_ms, 1, each.number, each) for each in faults]
        moments.sort(key=lambda moment: moment[:3])
        for number, (at_ms, undo, _, each) in enumerate(moments):
            if not self._wait_until(at_ms):
                return
            hand, worker = self._hand(each)
            worker.give(partial(hand.undo if undo else partial(self._inject, hand), each))
            if number == len(moments) // 2:
                self._looker.give(partial(self._look, DURING))

    def _inject(self, hand: Hand, planned: Planned) -> object:
        """Inject, unless the run was told to end while this waited for its turn."""
        return None if self._ended else hand.inject(planned)

    def _mend(self, faults: Sequence[Planned]) -> None:
        """Undo all of them, which is fine for those that are undone or never were, and wait."""
        for each in faults:
            hand, worker = self._hand(each)
            worker.give(partial(hand.undo, each))
        while not all(worker.idle for worker in self._workers()):
            time.sleep(LOOK_EVERY_S)  # each hand has deadlines of its own
        self._raise_errors()

    def _hand(self, planned: Planned) -> tuple[Hand, Worker]:
        name = planned.host if planned.by == AGENT else LAPTOP
        if name not in self._hands:
            hand: Hand = (
                AgentHand(self._folder.id, name, self._system, self._write)
                if planned.by == AGENT
                else LaptopHand(self._act, self._write)
            )
            self._hands[name] = hand, Worker(name)
        return self._hands[name]

    def _act(self, planned: Planned) -> Act:
        """Return the laptop's own act; several words of one fault are one act each, and no more."""
        assert self._live is not None
        (word,) = planned.words
        if word["do"] in exchange_acts.ACTS:
            url = next(each.exchange for each in self._system.places if each.exchange)
            return exchange_acts.act(word, url)
        if word["do"] in deploy_acts.ACTS:
            assert self._live.deploys is not None
            return deploy_acts.ACTS[word["do"]](word, self._live.deploys.means)
        place = next(each for each in self._system.places if each.stream == word["stream"])
        feeder = self._live.feeders.get(place.flow) or next(iter(self._live.feeders.values()))
        name = f"{self._folder.id}-{planned.number}"
        line = Line(self._system.redis)
        producer = Producer(place, line, self._write, f"act-{planned.number}")
        around = Around(place=place, feeder=feeder, producer=producer, line=line, name=name)
        return ACTS[word["do"]](word, around)

    def _feeders(self, number: int, slot: Slot) -> Iterator[Feeder]:
        for maker, service, share in FEEDS[slot.workload]:
            place = next(each for each in self._system.places if each.flow == service)
            per_s = max(1, round(slot.per_s * share))
            made = events(maker, slot.seed, per_s, f"{self._folder.id}-{number}")
            producer = Producer(place, Line(self._system.redis), self._write, f"{maker}-{number}")
            yield Feeder(producer, made, per_s)

    def _recover(self, slot: Slot) -> None:
        """Go on feeding until all is as it was before, or until the slot's time is over."""
        over_s = time.monotonic() + (slot.to_ms - slot.faults_to_ms) / 1000
        self._sampler.count_anew()
        self._wait_for(lambda: self._sampler.back_for() >= BACK_FOR, over_s)
        self._wait_for(lambda: False, min(time.monotonic() + AFTERWARDS_S, over_s))

    def _steady(self, phase: str) -> None:
        """Look until it is well; without that the run ends."""
        deadline = time.monotonic() + WELL_WITHIN_S
        while not (seen := self._seen(phase)).well and time.monotonic() < deadline:
            time.sleep(1)
        self._write(seen)
        if not seen.well:
            self._ended = f"it is not well {phase} the faults: {seen.said}"

    def _look(self, phase: str) -> None:
        self._write(self._seen(phase))

    def _seen(self, phase: str) -> Steady:
        try:
            well, said = self._system.well()
        except QuantumError as error:
            well, said = False, str(error)
        return Steady(phase=phase, well=well, said=said)

    def _wait_until(self, at_ms: int) -> bool:
        """Wait for a moment of the schedule; False when the run is to end instead."""
        assert self._live is not None
        at_s = self._live.began_s + (at_ms - self._live.slot.from_ms) / 1000
        return self._wait_for(lambda: time.monotonic() >= at_s)

    def _wait_for(self, there: Callable[[], bool], until_s: float = float("inf")) -> bool:
        while not there():
            if self._must_end() or time.monotonic() > until_s:
                return False
            time.sleep(LOOK_EVERY_S)
        return not self._ended

    def _raise_errors(self) -> None:
        for worker in self._workers():
            if worker.error:
                raise worker.error

    def _must_end(self) -> bool:
        self._raise_errors()
        if not self._ended:
            self._ended = self._why_end()
        return bool(self._ended)

    def _why_end(self) -> str:
        looked_at = self._sampler.latest_at
        return why_end(
            stopped=self._folder.stop.exists(),
            lag=self._sampler.most_lag(),
            silent_s=time.monotonic() - looked_at if looked_at else 0.0,
        )


def why_end(*, stopped: bool, lag: int, silent_s: float) -> str:
    """Return what ends a run before its time, "" for nothing."""
    if stopped:
        return "somebody made the stop file"
    if lag > MOST_LAG:
        return f"a lag of {lag} is more than {MOST_LAG}"
    if silent_s > MOST_SILENCE_S:
        return f"nobody could look at Redis for {silent_s:.0f} s"
    return ""
