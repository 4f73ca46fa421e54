"""Stand in for systemd on a laptop: run the units below one root directory, without root.

There are no cgroups: SIGTERM goes to the main process, SIGKILL to its process group; what left
that group is on its own until the next boot.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.sandbox.unit_files import Unit, at, read

WANTS = "etc/systemd/system/multi-user.target.wants"
CLEAN = (0, -signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM, -signal.SIGPIPE)
MESSAGE_AT_MOST = 1 << 16  #: bytes
#: What a unit tells of itself as it is kept.
TOLD = "active sub result why restarts invocation status_text started_at_us cmdline cwd credentials"
PRCTL: Callable[..., object] = ctypes.CDLL(None).prctl if sys.platform == "linux" else lambda *_: 0


class Service:
    """One unit and its process, told of in systemd's words."""

    def __init__(self, root: Path, sockets: Path, name: str) -> None:
        self.root, self.sockets, self.name, self.unit = root, sockets, name, Unit(read(root, name))
        self.given, self.record = root / f"run/credentials/{name}", root / f"run/supervisor/{name}"
        self.log, self.logged = root / f"var/log/journal/{name}.log", 0
        self.active, self.sub, self.result, self.why = "inactive", "dead", "success", ""
        self.status_text = self.invocation = self.cwd = ""
        self.restarts = self.starts = self.started_at_us = 0
        self.due, self.began = math.inf, -math.inf  #: loop time of what is overdue; of the limit
        self.wake, self.moved, self.leaving = asyncio.Event(), asyncio.Event(), False
        self.process: subprocess.Popen[bytes] | None = None
        self.task: asyncio.Task[None] | None = None
        self.environ, self.credentials = dict[str, str](), dict[str, str]()
        self.cmdline: list[str] = []

    def to(self, active: str, sub: str, within_s: float = math.inf) -> None:
        """Move to a state that is overdue after a time; whoever waits looks again."""
        self.active, self.sub, self.due = active, sub, time.monotonic() + within_s
        self.moved.set()
        self.moved = asyncio.Event()

    async def overdue(self) -> bool:
        """Wait for news; tell whether the time for this state ran out."""
        wait_s = None if self.due == math.inf else self.due - time.monotonic()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), wait_s)
        self.wake.clear()
        return time.monotonic() >= self.due

    async def live(self) -> None:
        """Run the process until it is stopped or has failed, again and again as Restart= says."""
        again = True
        while again:
            unit, now = self.unit, time.monotonic()
            if now - self.began > unit.limit_s:
                self.began, self.starts = now, 0
            self.starts, self.result, self.why = self.starts + 1, "success", ""
            try:
                if self.starts > unit.burst:
                    self.result, self.why = "start-limit-hit", "too many starts; reset-failed first"
                else:
                    await self.once(unit)
            except (OSError, ValueError) as error:
                self.result, self.why = "exit-code", f"cannot be started: {error}"
            again = not self.leaving and self.result in unit.restart
            if again:
                self.to("activating", "auto-restart", unit.restart_s)
                while not self.leaving and not await self.overdue():
                    continue
                again = not self.leaving
                self.restarts += again
        self.to(*(("inactive", "dead") if self.result == "success" else ("failed", "failed")))

    async def once(self, unit: Unit) -> None:
        """Run the process from start to end; `result` and `why` tell how it ended."""
        if unit.problem:
            raise ValueError(unit.problem)
        self.invocation, self.status_text = uuid.uuid4().hex, ""
        self.to("activating", "start", unit.start_s)
        notify, loop = self.sockets / self.invocation[:12], asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(notify))
            listener.setblocking(False)
            loop.add_reader(listener, self.hear, listener, unit)
            try:
                process = self.process = self.spawn(unit, notify)
                self.record.write_text(f"{process.pid} {self.started_at_us} {self.invocation}")
                if not unit.notify:
                    self.to("active", "running", unit.watchdog_s)
                while (code := process.poll()) is None:
                    if await self.overdue():
                        self.hear(listener, unit)
                        self.expire(unit)
                self.hear(listener, unit)
                self.settle(code)
            finally:
                loop.remove_reader(listener)
                self.send(os.killpg, signal.SIGKILL)
                if self.process:
                    self.process.wait()
                shutil.rmtree(self.given, ignore_errors=True)
                for path in (self.record, *self.sockets.glob(f"{notify.name}*")):
                    path.unlink(missing_ok=True)
                self.process, self.environ, self.credentials = None, {}, {}
                self.cmdline, self.cwd = [], ""

    def spawn(self, unit: Unit, notify: Path) -> subprocess.Popen[bytes]:
        """Start the process with what its unit gives it, and nothing of the laptop's own."""
        self.environ = {
            "PATH": f"{self.root}/usr/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
            "HOME": str(self.root), "INVOCATION_ID": self.invocation, "NOTIFY_SOCKET": str(notify),
            "CREDENTIALS_DIRECTORY": str(self.given), **unit.environment(self.root),
        }  # fmt: skip
        if unit.watchdog_s < math.inf:
            self.environ["WATCHDOG_USEC"] = str(int(unit.watchdog_s * 1e6))
        self.given.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in unit.credentials(self.root).items():
            (self.given / name).touch(0o600)
            (self.given / name).write_bytes(content)
            self.credentials[name] = hashlib.sha256(content).hexdigest()
        self.cmdline = unit.words(self.root)
        self.cwd = str(at(self.root, unit.last("WorkingDirectory", "/")))
        self.started_at_us = time.time_ns() // 1000
        with self.log.open("ab") as log:
            self.logged = log.tell()
            return subprocess.Popen(
                self.cmdline, cwd=self.cwd, env=self.environ, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
                preexec_fn=lambda: PRCTL(1, signal.SIGKILL),  # noqa: PLW1509 - PR_SET_PDEATHSIG
            )  # fmt: skip

    def hear(self, listener: socket.socket, unit: Unit) -> None:
        """Take in what the process says of itself: READY, STATUS and WATCHDOG."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(1000):  # what is left then wakes the loop again
                lines = listener.recv(MESSAGE_AT_MOST).decode(errors="replace").splitlines()
                said = dict(line.partition("=")[::2] for line in lines)
                self.status_text = said.get("STATUS", self.status_text)
                fed = self.sub == "running" and said.get("WATCHDOG") == "1"
                if fed or (self.sub == "start" and said.get("READY") == "1"):
                    self.to("active", "running", unit.watchdog_s)
                    self.wake.set()

    def expire(self, unit: Unit) -> None:
        """End what took too long; nothing when it spoke in the last moment."""
        if time.monotonic() < self.due:
            return
        if self.sub in {"start", "running"}:
            late = self.sub == "start"
            self.result = "timeout" if late else "watchdog"
            self.end(unit, signal.SIGTERM if late else signal.SIGABRT)
        else:
            self.result = "timeout" if self.result == "success" else self.result
            self.to("deactivating", "stop-sigkill", 1.0)
            self.send(os.killpg, signal.SIGKILL)

    def end(self, unit: Unit, number: signal.Signals) -> None:
        """Ask the process to end; what is left after TimeoutStopSec is killed."""
        self.to("deactivating", "stop-sigterm", unit.stop_s)
        self.send(os.kill, number)

    def send(self, kill: Callable[[int, int], None], number: int) -> None:
        """Signal the process or its group; one that is gone already has its wish."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(self.process.pid, number)

    def settle(self, code: int) -> None:
        """Conclude from the exit code how it went, unless it was ended for a reason."""
        if self.result == "success" and (self.sub == "start" or code not in CLEAN):
            self.result = "exit-code" if code > 0 else "protocol" if code in CLEAN else "signal"
        with self.log.open("rb") as log:
            log.seek(max(self.logged, self.log.stat().st_size - 4096))
            last = (log.read().decode(errors="replace").strip().splitlines() or [""])[-1]
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        self.why = f"{how}{last and ', last words: '}{last[:500]}"

    async def start(self, *, again: bool) -> str:
        """Start, or stop and start; return what is wrong once it is ready or has failed."""
        if self.unit.problem:
            return self.unit.problem
        if again or self.leaving or self.sub == "auto-restart":
            await self.stop()
        if not self.task or self.task.done():
            self.restarts = 0
            self.to("activating", "start")
            self.task = asyncio.create_task(self.live())
        while self.sub == "start" or self.sub.startswith("stop-"):
            await self.moved.wait()
        return "" if self.sub == "running" else f"failed, {self.result}: {self.why}"

    async def stop(self) -> None:
        """Stop and wait until the process is gone; SIGKILL ends what SIGTERM did not."""
        self.leaving = True
        if self.process and not self.sub.startswith("stop-"):
            self.end(self.unit, self.unit.signal)
        self.wake.set()
        if self.task:
            await asyncio.wait({self.task})
        self.leaving = False

    def reset_failed(self) -> None:
        """Forget a failure and the starts that count towards the limit."""
        self.restarts, self.starts, self.began = 0, 0, -math.inf
        if self.active == "failed":
            self.result = "success"
            self.to("inactive", "dead")

    def reload(self) -> None:
        """Read the unit's files again; what runs keeps running."""
        self.unit = Unit(read(self.root, self.name))

    def show(self) -> dict[str, Any]:
        """Return the unit's state in the words of `systemctl show`, and what is not honoured."""
        paths, here = [path for path, _ in self.unit.files] or [""], read(self.root, self.name)
        linked = os.path.lexists(self.root / WANTS / self.name)
        return {
            **{key: getattr(self, key) for key in TOLD.split()},
            "load": "loaded" if self.unit.files else "not-found",
            "enabled": "enabled" if linked else "disabled" if "WantedBy" in self.unit.said else "",
            "main_pid": self.process.pid if self.process else 0,
            "need_reload": self.unit.files != here,
            "fragment": paths[0],
            "dropins": list(dict.fromkeys((*paths[1:], *(p for p, _ in here[1:])))),
            "environ": {k: v for k, v in self.environ.items() if k.startswith("QUANTUM_")},
            "problem": self.unit.problem,
            "not_honoured": self.unit.not_honoured,
        }
