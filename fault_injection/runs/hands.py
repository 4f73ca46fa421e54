"""Inject, observe and undo the faults of one host, or those that are the laptop's.

A hand works on one thing after the other, and writes down what it sees and nothing else. What it
could not inject or observe it tells, too: such a run proves nothing. What is undone and not gone
yet it looks at again after what else is due: a consumer may wait for Redis, which is to come back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import redis

from fault_injection.act import Act
from fault_injection.faults import REGISTRY
from fault_injection.faults.fault import DEPLOY_ACTS
from fault_injection.history.happenings import (
    ARMED,
    DISARMED,
    GONE,
    INJECTED,
    OBSERVED,
    UNDONE,
    Fault,
    Happening,
    Process,
    Reached,
)
from fault_injection.runs.system import System
from fault_injection.runs.workers import AGAIN
from fault_injection.schedules.schedule import Planned
from harness.contact import Contact
from harness.errors import AgentError, LockedError, QuantumError, UnreachableError

Write = Callable[..., None]

#: What was injected has this long to be seen, and what was undone to be gone, in seconds.
SEEN_WITHIN_S, GONE_WITHIN_S = 30.0, 180.0
#: Who is down has this long to be up again before it is broken, in seconds.
UP_WITHIN_S = 120.0
LOOK_EVERY_S = 0.2
#: So long a host sees to the end of one fault before the next one has its turn, in seconds.
NEXT_IN_S = 1.0
#: What waits for a deploy to meet it has longer: one takes a minute on a slow machine.
DEPLOYS_WITHIN_S = 300.0
#: What is told of a fault that is over for so long that its host has no record of it any more.
FORGOTTEN = ({"host": "undid it by itself, saw it gone, and has forgotten it since"},)
#: How a host says that a unit is down: nobody started it yet, or not again.
DOWN = ("has no main process", "there is nothing to do")
#: A host undoes by itself what is over within so long; it needs the time when it was cut off.
BY_ITSELF_WITHIN_S = 60.0


class Hand(Protocol):
    """Who carries faults out."""

    def inject(self, planned: Planned) -> object:
        """Make it so and see it; AGAIN where that cannot be yet."""

    def undo(self, planned: Planned) -> object:
        """Make it as before and see it gone; AGAIN while it is not. What never was is gone."""

    def close(self) -> None:
        """Let go of connections; the host keeps its own time."""


def stage(planned: Planned, word: str, said: str = "", wall_ns: int = 0) -> Fault:
    """Return the line of a fault's stage."""
    target = f"{planned.host} {planned.unit}" if planned.by == "agent" else "laptop"
    return Fault(
        fault=str(planned.number), name=planned.fault, stage=word, target=target, said=said,
        wall_ns=wall_ns,
    )  # fmt: skip


def death(planned: Planned) -> str:
    """Return how a history calls it that a unit died of this fault."""
    return f"{planned.unit} died of {_title(planned)}"


class AgentHand:
    """The faults of one host, by its agent."""

    def __init__(self, run: str, host: str, system: System, write: Write) -> None:
        self._run, self._host, self._system, self._write = run, host, system, write
        self._contact: Contact | None = None
        self._injected: set[int] = set()
        self._seen: set[int] = set()
        self._over: set[int] = set()
        self._waiting: set[int] = set()  #: to be injected once they can be
        self._deadlines: dict[tuple[int, str], float] = {}  #: by fault and stage

    def inject(self, planned: Planned) -> object:
        """Arm it on the host, which then undoes it by itself when its time is over.

        AGAIN while its unit is down, of another fault perhaps, or nobody answers: for a while.
        """
        began_ns = time.time_ns()
        request: dict[str, Any] = {
            "ttl_s": planned.ttl_s, "mode": self._system.mode, "meta": self._system.operator,
            "inventory": self._system.inventory,
        }  # fmt: skip
        try:
            said = self._session().fault_arm(self.name(planned), planned.words, **request)
        except QuantumError as error:
            if not isinstance(error, AgentError | LockedError):
                self._drop()
            if _may_come(error) and self._in_time(planned, INJECTED, UP_WITHIN_S):
                self._waiting.add(planned.number)
                return AGAIN
            self._waiting.discard(planned.number)
            if isinstance(error, AgentError | LockedError):  # everything is as it was
                self._write(_not(planned, error))
                return None
            if not self._alone(planned):
                self._write(_not(planned, error))
            self._injected.add(planned.number)  # perhaps: the undo will tell
            return None
        self._waiting.discard(planned.number)
        self._injected.add(planned.number)
        self._seen.add(planned.number)
        self._write(*_seen(planned, said["observed"], began_ns))
        return None

    def undo(self, planned: Planned) -> object:
        """Undo it; AGAIN until it is gone, or its time to be gone is over."""
        if planned.number in self._waiting and self._in_time(planned, INJECTED, UP_WITHIN_S):
            return AGAIN
        if planned.number not in self._injected or planned.number in self._over:
            return None
        last = self._undone(planned)
        if planned.number in self._over:
            return None
        if not self._in_time(planned, GONE, self._gone_within_s(planned)):
            del self._deadlines[planned.number, GONE]
            self._write(Process(name=_title(planned), did="not gone", said=last))
            return None
        return AGAIN

    def _in_time(self, planned: Planned, stage: str, within_s: float) -> bool:
        """Tell whether there is time left, which begins when this is first asked."""
        now = time.monotonic()
        return now <= self._deadlines.setdefault((planned.number, stage), now + within_s)

    def _undone(self, planned: Planned) -> str:
        """Try once; returns what is still seen, and remembers what is over."""
        try:
            self._look_for_death(planned)
            said = self._session().fault_undo(
                self.name(planned), meta=self._system.operator, gone_within_s=NEXT_IN_S
            )
        except QuantumError as error:
            if isinstance(error, AgentError) and "no fault" in error.cause:
                # whoever has seen it knows that it was: a host forgets none but those that are gone
                seen = planned.number in self._seen
                self._write(*(_over(planned, FORGOTTEN) if seen else [_not(planned, error)]))
                self._over.add(planned.number)
            else:
                self._drop()
            return str(error)
        if not all(each["gone"] for each in said["observed"]):
            return f"still seen: {said['observed']}"
        self._write(*self._late(planned), *_over(planned, said["observed"]))
        self._over.add(planned.number)
        return ""

    def name(self, planned: Planned) -> str:
        """Return the fault's name on its host."""
        return f"{self._run}-{planned.number}"

    def close(self) -> None:
        """End the session."""
        self._drop()

    def _late(self, planned: Planned) -> list[Happening]:
        """Return what is only known now: a host that nobody reached has seen it all the same."""
        if planned.number in self._seen or not self._alone(planned):
            return []
        said = {"host": "wrote it down; its word came when it could be reached again"}
        return _seen(planned, [said], time.time_ns() - 10**9 * planned.ttl_s)

    def _look_for_death(self, planned: Planned) -> None:
        """Tell whether a unit that was to die there did: systemd has started it again since."""
        if not REGISTRY[planned.fault].kills:
            return
        seen = self._session().fault_observe(self.name(planned))["observed"]
        if any(each.get("restarts", 0) > 0 for each in seen):
            self._write(Reached(target=death(planned), said=_words(seen)))

    def _gone_within_s(self, planned: Planned) -> float:
        if self._alone(planned):  # nobody reaches it before its time is over
            return GONE_WITHIN_S + planned.ttl_s + BY_ITSELF_WITHIN_S
        return GONE_WITHIN_S

    @staticmethod
    def _alone(planned: Planned) -> bool:
        return REGISTRY[planned.fault].alone

    def _session(self) -> Any:
        if self._contact is None:
            self._contact = self._system.reach(self._host)
        return self._contact.session

    def _drop(self) -> None:
        contact, self._contact = self._contact, None
        if contact is not None:
            with contextlib.suppress(QuantumError, OSError):
                contact.close()


class LaptopHand:
    """The faults that the laptop carries out itself; `made` gives the act of a planned one."""

    def __init__(self, made: Callable[[Planned], Act], write: Write) -> None:
        self._made, self._write = made, write
        self._acts: dict[int, Act] = {}

    def inject(self, planned: Planned) -> None:
        """Do it, and look until it is seen."""
        began_ns = time.time_ns()
        try:
            act = self._made(planned)
            self._acts[planned.number] = act
            said = act.inject()
            self._write(stage(planned, ARMED, wall_ns=began_ns))
            self._write(stage(planned, INJECTED, said, wall_ns=began_ns))
            seen = _until(act.observed, _within_s(planned, SEEN_WITHIN_S))
        except (redis.RedisError, QuantumError, OSError) as error:
            self._write(_not(planned, error))
            return
        if seen:
            self._write(stage(planned, OBSERVED, seen))
        else:
            self._write(_not(planned, UnreachableError("it was not seen in time")))

    def undo(self, planned: Planned) -> None:
        """End it, and look until nothing is seen of it any more."""
        act = self._acts.pop(planned.number, None)
        if act is None:
            return
        try:
            act.undo()
            self._write(stage(planned, UNDONE))
            seen = _until(act.gone, _within_s(planned, GONE_WITHIN_S))
        except (redis.RedisError, QuantumError, OSError) as error:
            self._write(Process(name=_title(planned), did="not gone", said=str(error)))
            return
        if seen:
            self._write(stage(planned, GONE, seen), stage(planned, DISARMED))
        else:
            self._write(Process(name=_title(planned), did="not gone"))

    def close(self) -> None:
        """Nothing is kept open."""


def _within_s(planned: Planned, within_s: float) -> float:
    deploys = any(word["do"] in DEPLOY_ACTS for word in planned.words)
    return DEPLOYS_WITHIN_S if deploys else within_s


def _until(look: Callable[[], str], within_s: float) -> str:
    """Return what is seen first; Redis's own trouble, which may be meant so, is waited out."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            if (seen := look()) or time.monotonic() > deadline:
                return seen
        except (redis.RedisError, UnreachableError):
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK_EVERY_S)


def _seen(planned: Planned, observed: Any, began_ns: int) -> list[Happening]:
    return [
        stage(planned, ARMED, wall_ns=began_ns),
        stage(planned, INJECTED, wall_ns=began_ns),
        stage(planned, OBSERVED, _words(observed)),
    ]


def _over(planned: Planned, observed: Any) -> list[Happening]:
    said = _words(observed)
    return [stage(planned, UNDONE), stage(planned, GONE, said), stage(planned, DISARMED)]


def _may_come(error: QuantumError) -> bool:
    """Tell whether what could not be injected can be soon.

    So it can where not a word was sent, the unit is down, or the host itself undoes another one.
    """
    down = isinstance(error, AgentError) and any(word in error.cause for word in DOWN)
    return down or isinstance(error, LockedError | UnreachableError)


def _not(planned: Planned, why: Exception) -> Process:
    return Process(name=_title(planned), did="not injected", said=str(why))


def _title(planned: Planned) -> str:
    return f"fault {planned.number} ({planned.fault})"


def _words(observed: Any) -> str:
    """Return what a host saw, for people."""
    return "; ".join(_plain(each) for each in observed)


def _plain(seen: Mapping[str, Any]) -> str:
    hidden = {"on", "gone", "n"}
    return ", ".join(f"{key} {value}" for key, value in seen.items() if key not in hidden)
