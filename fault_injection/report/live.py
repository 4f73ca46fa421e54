"""What is going on while a day runs, told by what is written to its history; nothing is drawn here.

`on` takes what the Writer takes, from as many threads; `now` is what there is to show at a moment,
and the lines that `on` returns are for those who watch no terminal.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fault_injection.history.happenings import (
    ARMED,
    BEGINS,
    DISARMED,
    GONE,
    INJECTED,
    OBSERVED,
    OK,
    PLANNED,
    RUN,
    UNDONE,
    Closing,
    Ended,
    Fault,
    Happening,
    Process,
    Reached,
    Resumed,
    Sample,
    Steady,
)
from fault_injection.report.wording import NS, NS_PER_MS, cut, moment
from fault_injection.schedules.schedule import Schedule

#: A rate is that of the last so many whole seconds.
RATE_OVER_S = 5
#: So many samples has a sparkline, and so many events are remembered.
SAMPLES, EVENTS = 32, 12
SPARKS = "▁▂▃▄▅▆▇█"
#: These stages have a line of their own where nothing is drawn.
TOLD = (INJECTED, OBSERVED, UNDONE, GONE)
NOT_OBSERVED = "NOT OBSERVED"
#: A fault of which this was said is over.
OVER = (GONE, DISARMED)

#: Seconds that only go on.
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class FaultNow:
    """A fault that is there, or comes next."""

    fault: str
    name: str
    target: str
    stage: str
    for_s: float  #: since when; below 0: it comes in so long


@dataclass(frozen=True, slots=True)
class FlowNow:
    """How much waits in a flow."""

    flow: str
    lag: int
    pending: int
    spark: str  #: both together, over the last samples


@dataclass(frozen=True, slots=True)
class Now:
    """All there is to show at a moment."""

    clock: str
    of: str
    scenario: str
    place: str  #: "2 of 5"
    operations: int
    per_s: float
    unanswered: int  #: ended in fail or info
    faults: Sequence[FaultNow]
    coming: FaultNow | None
    seen: str  #: "3 of 7 faults observed"
    flows: Sequence[FlowNow]
    events: Sequence[str]


class Watch:
    """What was written so far, in few numbers."""

    def __init__(self, schedule: Schedule | None, clock: Clock = time.monotonic) -> None:
        self._slots = schedule.slots if schedule else ()
        self._planned = {str(each.number): each for each in (schedule.faults if schedule else ())}
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._slot = -1
        self._told = 0  #: so many scenarios has the run itself told to begin
        self._counts_from = 0.0  #: the scenario's first moment
        self._faults: dict[str, FaultNow] = {}
        self._stages: dict[str, set[str]] = {}
        self._flows: dict[str, FlowNow] = {}
        self._waiting: dict[str, deque[int]] = {}
        self._ended = Counter[str]()
        self._answered: deque[tuple[int, int]] = deque(maxlen=RATE_OVER_S + 1)
        self._events: deque[str] = deque(maxlen=EVENTS)

    def on(self, *happenings: Happening) -> list[str]:
        """Take what was written; return the lines worth telling."""
        with self._lock:
            if self._began is None:
                self._began = self._clock()
            at_s = self._clock() - self._began
            lines = [*self._advance(at_s)]
            for each in happenings:
                lines += self._take(each, at_s)
        return lines

    def now(self) -> Now:
        """Return how it stands."""
        with self._lock:
            at_s = 0.0 if self._began is None else self._clock() - self._began
            slot = self._slots[self._slot] if 0 <= self._slot < len(self._slots) else None
            seen = sum(OBSERVED in stages for stages in self._stages.values())
            every = len({*self._planned, *self._stages})
            return Now(
                _clock(at_s), moment(self._slots[-1].to_ms * NS_PER_MS) if self._slots else "",
                slot.scenario if slot else "",
                f"{self._slot + 1} of {len(self._slots)}" if slot else "",
                sum(self._ended.values()), self._per_s(at_s),
                sum(count for how, count in self._ended.items() if how != OK),
                [_aged(each, at_s) for each in self._faults.values()], self._coming(at_s),
                f"{seen} of {every} faults observed", list(self._flows.values()),
                list(self._events),
            )  # fmt: skip

    def _take(self, each: Happening, at_s: float) -> list[str]:
        if isinstance(each, Ended):
            self._count(each, at_s)
        elif isinstance(each, Sample):
            self._sample(each)
        elif isinstance(each, Fault):
            return self._stage(each, at_s)
        elif isinstance(each, Closing):
            return self._ends(at_s)
        elif isinstance(each, Process):
            return self._process(each, at_s)
        elif isinstance(each, Reached):
            self._event(at_s, f"reached: {each.target}")
        elif isinstance(each, Resumed):
            return [self._event(at_s, f"resumed: {each.said}")]
        elif isinstance(each, Steady):
            said = f"{each.phase}: {'well' if each.well else 'NOT WELL'} {each.said}"
            line = self._event(at_s, said)
            return [] if each.well else [line]
        return []

    def _process(self, each: Process, at_s: float) -> list[str]:
        if each.name != RUN:
            self._event(at_s, f"{each.name} {each.did} {each.said}")
        elif each.did == BEGINS:  # from now on the run tells by itself where it is
            self._counts_from = at_s
            self._told += 1
            later = self._slot < self._told - 1 < len(self._slots)
            return self._begin(at_s) if later else []
        else:
            return [self._event(at_s, f"{each.name} {each.did}: {each.said}")]
        return []

    def _count(self, each: Ended, at_s: float) -> None:
        self._ended[each.how] += 1
        second = int(at_s)
        if not self._answered or self._answered[-1][0] != second:
            self._answered.append((second, 0))
        self._answered[-1] = second, self._answered[-1][1] + (each.how == OK)

    def _sample(self, each: Sample) -> None:
        waiting = self._waiting.setdefault(each.flow, deque(maxlen=SAMPLES))
        waiting.append(each.lag + each.pending)
        self._flows[each.flow] = FlowNow(each.flow, each.lag, each.pending, sparkline(waiting))

    def _stage(self, each: Fault, at_s: float) -> list[str]:
        stages = self._stages.setdefault(each.fault, set())
        stages.add(each.stage)
        if each.stage == PLANNED:
            return []
        lines = [*self._advance(at_s, each.fault)]
        planned = self._planned.get(each.fault)
        target = each.target or (f"{planned.host} {planned.unit}" if planned else "")
        word = each.stage
        if word in {UNDONE, GONE} and OBSERVED not in stages:
            word = f"{word}, {NOT_OBSERVED}"
        if each.stage in OVER:
            self._faults.pop(each.fault, None)
        else:
            before = self._faults.get(each.fault)
            since_s = before.for_s if before else at_s
            self._faults[each.fault] = FaultNow(each.fault, each.name, target, word, since_s)
        if each.stage not in {ARMED, DISARMED}:
            said = f"{each.name} ({each.fault}) {target}  {word}  {each.said}"
            line = self._event(at_s, said)
            lines += [line] if each.stage in TOLD else []
        return lines

    def _advance(self, at_s: float, fault: str = "") -> list[str]:
        """Go to the scenario whose time it is, or whose fault was told of."""
        lines: list[str] = []
        while not self._told and self._slot + 1 < len(self._slots):
            following = self._slots[self._slot + 1]
            planned = self._planned.get(fault)
            its = planned is not None and planned.at_ms >= following.from_ms
            if not its and at_s * 1000 < following.from_ms:
                break
            self._counts_from = following.from_ms / 1000
            lines += self._begin(at_s)
        return lines

    def _begin(self, at_s: float) -> list[str]:
        lines = self._ends(at_s)
        self._slot += 1
        place = f"{self._slot + 1} of {len(self._slots)}"
        scenario = self._slots[self._slot].scenario
        return [*lines, self._event(at_s, f"scenario {place} begins: {scenario}")]

    def _ends(self, at_s: float) -> list[str]:
        if not 0 <= self._slot < len(self._slots):
            return []
        slot = self._slots[self._slot]
        own = [n for n, f in self._planned.items() if slot.from_ms <= f.at_ms < slot.to_ms]
        seen = sum(OBSERVED in self._stages.get(each, ()) for each in own)
        said = f"{slot.scenario}, {seen} of {len(own)} faults observed"
        return [self._event(at_s, f"scenario {self._slot + 1} of {len(self._slots)} ends: {said}")]

    def _event(self, at_s: float, said: str) -> str:
        line = f"{_clock(at_s)}  {cut(said).strip()}"
        self._events.append(line)
        return line

    def _per_s(self, at_s: float) -> float:
        whole = [n for second, n in self._answered if int(at_s) - RATE_OVER_S <= second < int(at_s)]
        return sum(whole) / min(RATE_OVER_S, max(1, int(at_s)))

    def _coming(self, at_s: float) -> FaultNow | None:
        for number, each in self._planned.items():
            if not self._stages.get(number, set()) - {PLANNED}:
                target = f"{each.host} {each.unit}"
                slot = self._slots[max(0, self._slot)]
                at_ms = each.at_ms - slot.from_ms
                return FaultNow(
                    number, each.fault, target, PLANNED, at_s - self._counts_from - at_ms / 1000
                )
        return None


def sparkline(values: Sequence[int] | deque[int]) -> str:
    """Return values as bars of one line, the highest of them as the whole."""
    most = max(max(values, default=0), 1)
    return "".join(SPARKS[max(0, each) * (len(SPARKS) - 1) // most] for each in values)


def _aged(each: FaultNow, at_s: float) -> FaultNow:
    return FaultNow(each.fault, each.name, each.target, each.stage, at_s - each.for_s)


def _clock(at_s: float) -> str:
    return moment(int(at_s * NS))
