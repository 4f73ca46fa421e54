"""Run a consumer: hold its name, take over from the dead, read, let its work settle, stop in order.

    python -m consumers.NAME [--once | --check-config [ENV_FILE]]

Exit codes: 0 stopped as asked; 1 --once met an error; 3 a configuration that cannot work, or a name
that another living process has (one line on stderr says which).
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from redis.exceptions import RedisError

from consumers.loop import connecting, failpoints, logs, measuring, reading, settings
from consumers.loop.context import Context, Work
from consumers.loop.failing import (
    FAILED,
    MISCONFIGURED,
    GroupMovedError,
    SpoiledKeyError,
    StartError,
    TransientError,
)
from consumers.loop.heartbeat import Heartbeat
from consumers.loop.notifying import Notifier
from consumers.loop.reading import Place
from consumers.loop.reclaiming import Reclaimer
from consumers.loop.standing import Standing
from consumers.loop.stopping import Stop
from streams import alerting

#: How many more objects there must be before the collector looks for cycles.
GARBAGE_AFTER = 200_000
GROUP_MOVED = "GROUP_MOVED"
#: How often one looks whether a group that moved was put right, in seconds.
LOOK_AGAIN_S = 1.0
#: How often the status hash is written where nothing else happens, in seconds.
STAND_EVERY_S = 5.0

S = TypeVar("S", bound=settings.Settings)


@dataclass(frozen=True, slots=True)
class Consumer(Generic[S]):
    """A program: what it is called, how it is configured, where it reads, what it does."""

    name: str  #: as in `python -m consumers.<name>`
    settings: type[S]
    place: Callable[[S], Place]
    work: Callable[[Context[S]], Work]


def main(consumer: Consumer[S], words: list[str], environ: Mapping[str, str]) -> int:
    """Run until asked to stop, or once, or only check the settings; return the exit code."""
    said = consumer.name.replace("_", " ")
    try:
        match words:
            case []:
                return run(consumer, settings.read(consumer.settings, environ), environ)
            case ["--once"]:
                return run(consumer, settings.read(consumer.settings, environ), environ, once=True)
            case ["--check-config"]:
                settings.read(consumer.settings, environ)
            case ["--check-config", path]:
                settings.read_file(consumer.settings, Path(path), environ)
            case _:
                sys.stderr.write(
                    f"usage: python -m consumers.{consumer.name} "
                    "[--once | --check-config [ENV_FILE]]\n"
                )
                return MISCONFIGURED
    except StartError as error:
        sys.stderr.write(f"{said}: {error}\n")
        return MISCONFIGURED
    return 0


def run(consumer: Consumer[S], wanted: S, environ: Mapping[str, str], *, once: bool = False) -> int:
    """Connect, work until asked to stop (`once`: until nothing waits), leave."""
    stop = Stop()
    stop.listen()
    log = logs.start(wanted.log_level, service=consumer.name, consumer=wanted.consumer_name)
    for each in wanted.warnings:
        log.warning(each)
    notifier = Notifier(environ)
    metrics = measuring.start(wanted.metrics_port, consumer.name, wanted.consumer_name)
    client = connecting.connect(wanted, stop, notifier, log)
    if client is None:
        return 0
    # what was imported stays; what a batch leaves dies by its reference count
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
    place = consumer.place(wanted)
    heartbeat = Heartbeat(client, place, wanted)

    def progress() -> None:
        notifier.progress()
        heartbeat.hold(stop)

    context = Context(
        client, place, wanted, log, metrics, stop,
        failpoints.install(wanted.quantum_failpoints), progress,
    )  # fmt: skip
    loop = Loop(context, consumer.work(context), heartbeat, notifier)
    code = loop.once() if once else loop.work()
    loop.leave()
    return code


class Loop:
    """The consumer at work. Whatever goes wrong with Redis, it goes on from its own pending."""

    def __init__(
        self, context: Context[Any], work: Work, heartbeat: Heartbeat, notifier: Notifier
    ) -> None:
        self._context, self._work = context, work
        self._heartbeat, self._notifier = heartbeat, notifier
        self._stop, self._log = context.stop, context.log
        self._reader = reading.Reader(context.client, context.place)
        self._reclaimer = Reclaimer(context)
        self._standing = Standing(context)
        self._waits: Iterator[float] = connecting.waits()
        self._joined = self._ready = False
        self._trouble = self._held = ""
        self._stand_at = 0.0

    def work(self) -> int:
        """Take one step after the other until asked to stop; raises NameTakenError."""
        while not self._stop:
            self._safe_step()
            # every step ends within the deadlines of its commands; one that hangs feeds nothing
            self._notifier.progress()
        return 0

    def once(self) -> int:
        """Take steps until nothing waits; return 1 after the first that failed."""
        while not self._stop and not (self._joined and self._reader.settled):
            if not self._safe_step():
                return FAILED
        return 0

    def _safe_step(self) -> bool:
        try:
            self.step()
            self._well()
        except GroupMovedError as error:
            self._troubled(GROUP_MOVED, str(error))
            self._stop.wait(LOOK_AGAIN_S)
        except (SpoiledKeyError, TransientError) as error:
            self._troubled("degraded", str(error))
            self._stop.wait(next(self._waits))
        except RedisError as error:
            self._troubled("degraded", f"{type(error).__name__}: {error}")
            self._stop.wait(next(self._waits))
        else:
            return True
        return False

    def step(self) -> None:
        """Show that we live, read some, settle it, do what is due."""
        self._heartbeat.hold(self._stop)
        if self._stop:
            return
        if not self._joined:
            self._join()
        if self._reclaimer.run():
            self._reader.start_over()
        self._held = self._work.held()
        if self._held:
            self._stop.wait(min(connecting.BLOCK_MS / 1000, self._due_in_s()))
            entries = []
        else:
            entries = self._reader.next(
                self._work.size, self._work.own_size, int(1000 * self._due_in_s())
            )
        if entries:
            self._context.metrics.add("entries_total", len(entries))
            self._work.take(entries)
        if self._due_in_s() == 0:
            self._tick("running")
            if not entries:
                # what a command that timed out was given late is ours, and nobody else looks
                self._reader.start_over()

    def leave(self) -> None:
        """Leave the status and the name as of a consumer that has stopped."""
        self._notifier.stopping()
        try:
            if self._joined:
                if not self._held:
                    self._work.take(self._reader.rest())
                self._tick("stopped")
            self._heartbeat.leave()
        except (RedisError, GroupMovedError, SpoiledKeyError, TransientError) as error:
            self._log.warning("left without the last words", cause=str(error))
        self._log.info("stopped")

    def _join(self) -> None:
        reading.join(self._context.client, self._context.place)
        self._reader.start_over()
        self._joined = True
        if not self._ready:
            self._ready = True
            self._notifier.ready()
            place, wanted = self._context.place, self._context.settings
            self._log.info(
                "ready", stream=place.stream, group=place.group, mode=wanted.quantum_mode,
                version=wanted.release, **self._work.about(),
            )  # fmt: skip

    def _due_in_s(self) -> float:
        return max(0.0, min(self._work.due_in_s(), self._stand_at - time.monotonic()))

    def _tick(self, state: str) -> None:
        if state != "running" or self._work.due_in_s() <= 0:
            self._work.tick(state)
        self._stand(state)

    def _stand(self, state: str, cause: str = "") -> None:
        self._stand_at = time.monotonic() + STAND_EVERY_S
        told = self._standing.tell(state, cause, self._work.about())
        self._notifier.status(f"{state}: {cause}" if cause else f"{state}; {told}")
        self._context.metrics.set("healthy", float(state == "running"))

    def _troubled(self, state: str, cause: str) -> None:
        """Say what is wrong, once, and begin again: after an error nobody knows what was done."""
        self._joined = False
        self._notifier.status(f"{state}: {cause}")
        if cause != self._trouble:
            self._trouble = cause
            self._log.error(state, cause=cause)
            self._context.metrics.add("troubles_total", state=state)
        with contextlib.suppress(RedisError):  # it may be Redis itself that is wrong
            self._stand(state, cause)
            if state == GROUP_MOVED:
                place, now_ms = self._context.place, self._context.now_ms()
                alert = alerting.group_moved(place.stream, place.group, cause)
                alerting.raise_alert(self._context.client, alert, now_ms)

    def _well(self) -> None:
        """Say that all is well again, or that it is not yet: an open circuit breaker."""
        if self._held != self._trouble:
            if self._held:
                self._log.warning("degraded", cause=self._held)
                self._stand("degraded", self._held)
            else:
                self._log.info("running again", after=self._trouble)
                self._stand("running")
            self._trouble = self._held
        self._waits = connecting.waits()
