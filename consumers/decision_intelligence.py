"""P3.5: count every apply.result once, by minute, decision and reason, and show the windows.

    python -m consumers.decision_intelligence [--check-config [ENV_FILE]]

Exit codes: 0 stopped as asked; 3 a configuration that cannot work, or a name that another living
process has (one line on stderr says which).
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from consumers import connecting, logs, reading, settings
from consumers.counting import Counter
from consumers.failing import MISCONFIGURED, GroupMovedError, SpoiledKeyError, StartError
from consumers.heartbeat import Heartbeat
from consumers.notifying import Notifier
from consumers.reclaiming import Reclaimer
from consumers.snapshots import Snapshots
from consumers.stopping import Stop

USAGE = "usage: python -m consumers.decision_intelligence [--check-config [ENV_FILE]]"
#: How many more objects there must be before the collector looks for cycles.
GARBAGE_AFTER = 200_000
#: How often one looks whether a group that moved was put right, in seconds.
LOOK_AGAIN_S = 1.0


def main(words: list[str], environ: Mapping[str, str]) -> int:
    """Run until asked to stop, or only check the settings; return the exit code."""
    try:
        match words:
            case []:
                run(settings.read(environ), environ)
            case ["--check-config"]:
                settings.read(environ)
            case ["--check-config", path]:
                settings.read_file(Path(path), environ)
            case _:
                sys.stderr.write(f"{USAGE}\n")
                return MISCONFIGURED
    except StartError as error:
        sys.stderr.write(f"decision intelligence: {error}\n")
        return MISCONFIGURED
    return 0


def run(wanted: settings.Settings, environ: Mapping[str, str]) -> None:
    """Connect, count until asked to stop, leave."""
    stop = Stop()
    stop.listen()
    log = logs.start(wanted.log_level, service="p35", consumer=wanted.consumer_name)
    notifier = Notifier(environ)
    client = connecting.connect(wanted, stop, notifier, log)
    if client is None:
        return
    # what was imported stays; what a batch leaves dies by its reference count
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
    service = Service(client, wanted, notifier, stop, log)
    service.work()
    service.leave()


class Service:
    """The consumer at work. Whatever goes wrong with Redis, it goes on from its own pending."""

    def __init__(
        self, client: Any, wanted: settings.Settings, notifier: Notifier, stop: Stop, log: Any
    ) -> None:
        place = reading.Place.of(wanted)
        self._client, self._place, self._wanted = client, place, wanted
        self._notifier, self._stop, self._log = notifier, stop, log
        self._heartbeat = Heartbeat(client, wanted)
        self._reader = reading.Reader(client, place)
        self._reclaimer = Reclaimer(client, place, wanted.claim_idle_ms, log)
        self._counter = Counter(client, place, wanted, log)
        self._snapshots = Snapshots(client, place, wanted)
        self._waits: Iterator[float] = connecting.waits()
        self._joined = self._ready = False
        self._trouble = ""

    def work(self) -> None:
        """Take one step after the other until asked to stop; raises NameTakenError."""
        while not self._stop:
            try:
                self.step()
                self._well()
            except GroupMovedError as error:
                self._troubled("GROUP_MOVED", str(error))
                self._stop.wait(LOOK_AGAIN_S)
            except SpoiledKeyError as error:
                self._troubled("degraded", str(error))
                self._stop.wait(next(self._waits))
            except RedisError as error:
                self._troubled("degraded", f"{type(error).__name__}: {error}")
                self._stop.wait(next(self._waits))
            # every step ends within the deadlines of its commands; one that hangs feeds nothing
            self._notifier.progress()

    def step(self) -> None:
        """Show that we live, read some, count it, show the windows."""
        self._heartbeat.hold(self._stop)
        if self._stop:
            return
        if not self._joined:
            self._join()
        if self._reclaimer.run():
            self._reader.start_over()
        wait_ms = int(1000 * self._snapshots.due_in_s())
        entries = self._reader.next(self._counter.size, wait_ms)
        if entries:
            self._counter.count(entries)
        if self._snapshots.due_in_s() == 0:
            self._snapshots.take("running")
            if not entries:
                # what a command that timed out was given late is ours, and nobody else looks
                self._reader.start_over()

    def leave(self) -> None:
        """Leave the windows and the status as they are now, and the name free."""
        self._notifier.stopping()
        try:
            if self._joined:
                self._counter.count(self._reader.rest())
                self._snapshots.take("stopped")
            self._heartbeat.leave()
        except (RedisError, GroupMovedError, SpoiledKeyError) as error:
            self._log.warning("left without a last snapshot", cause=str(error))
        self._log.info("stopped")

    def _join(self) -> None:
        reading.join(self._client, self._place)
        self._reader.start_over()
        self._joined = True
        if not self._ready:
            self._ready = True
            self._notifier.ready()
            self._log.info(
                "ready", stream=self._place.stream, group=self._place.group,
                mode=self._wanted.quantum_mode, version=self._wanted.release,
            )  # fmt: skip

    def _troubled(self, state: str, cause: str) -> None:
        """Say what is wrong, once, and begin again: after an error nobody knows what was done."""
        self._joined = False
        self._notifier.status(f"{state}: {cause}")
        if cause != self._trouble:
            self._trouble = cause
            self._log.error(state, cause=cause)
        with contextlib.suppress(RedisError):  # it may be Redis itself that is wrong
            self._snapshots.tell(state, cause)

    def _well(self) -> None:
        if self._trouble:
            self._snapshots.tell("running")
            self._log.info("running again", after=self._trouble)
            self._trouble = ""
        self._waits = connecting.waits()
        self._notifier.status("counting")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
