"""Stand in for systemd on a laptop: run the units below one root directory, without root.

What unit_files.HONOURED lists counts; the rest of a unit is told as not honoured here. There are no
cgroups: a process that leaves its unit's process group is on its own until the next boot.
Asked by JSON lines over a Unix socket; starting.py starts it and hands it the lock and the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import json
import math
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from harness.sandbox.unit_files import RESTART, Unit, read, variables

WANTS = "etc/systemd/system/multi-user.target.wants"
NAME = re.compile(r"[\w.:@-]+\.service")
CLEAN = (0, -signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM, -signal.SIGPIPE)
#: No stop waits longer before SIGKILL, whatever TimeoutStopSec says, in seconds.
STOP_AT_MOST_S = 45.0
LOG_AT_MOST = 16 << 20  #: bytes; then the log moves aside and replaces the one moved before
MESSAGE_AT_MOST = 1 << 16  #: bytes
TOLD = "active sub result restarts invocation status_text started_at_us credentials cmdline cwd"
LIBC = ctypes.CDLL(None)


class Service:
    """One unit and its process, told of in systemd's words."""

    def __init__(self, root: Path, sockets: Path, name: str) -> None:
        self.root, self.sockets, self.name, self.unit = root, sockets, name, Unit(read(root, name))
        self.log, self.given = root / f"var/log/journal/{name}.log", root / f"run/credentials/{name}"
        self.record, self.logged = root / f"run/supervisor/{name}", 0
        self.active, self.sub, self.result, self.why = "inactive", "dead", "success", ""
        self.status_text = self.invocation = ""
        self.restarts = self.starts = self.started_at_us = 0
        self.due, self.began = math.inf, -math.inf  #: loop time of what is overdue; of the limit
        self.wake, self.moved, self.leaving = asyncio.Event(), asyncio.Event(), False
        self.process: subprocess.Popen[bytes] | None = None
        self.task: asyncio.Task[None] | None = None
        self.environ, self.credentials = dict[str, str](), dict[str, str]()
        self.cmdline, self.cwd = list[str](), ""

    def to(self, active: str, sub: str, within_s: float = math.inf) -> None:
        """Move to a state that is overdue after a time; whoever waits looks again."""
        self.active, self.sub, self.due = active, sub, asyncio.get_running_loop().time() + within_s
        self.moved.set()
        self.moved = asyncio.Event()

    async def overdue(self) -> bool:
        """Wait for news; tell whether the time of this state ran out instead."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self.due if self.due < math.inf else None):
                await self.wake.wait()
            self.wake.clear()
            return False
        return True

    async def live(self) -> None:
        """Run the process until it is stopped or has failed, again and again as Restart= says."""
        while True:
            unit, now = self.unit, asyncio.get_running_loop().time()
            if now - self.began > unit.times["StartLimitIntervalSec"]:
                self.began, self.starts = now, 0
            self.starts, self.result, self.why = self.starts + 1, "success", ""
            if self.starts > unit.burst:
                self.result, self.why = "start-limit-hit", "too many starts, reset-failed comes first"
            else:
                try:
                    await self.once(unit)
                except (OSError, ValueError) as error:
                    self.result, self.why = "exit-code", f"cannot be started: {error}"
            if self.leaving or self.result not in RESTART[unit.last("Restart", "no")]:
                break
            self.to("activating", "auto-restart", unit.times["RestartSec"])
            while not self.leaving and not await self.overdue():
                pass
            if self.leaving:
                break
            self.restarts += 1
        clean = self.result == "success"
        self.to(*("inactive", "dead") if clean else ("failed", "failed"))

    async def once(self, unit: Unit) -> None:
        """Run the process from start to end; `result` and `why` tell how it ended."""
        self.invocation, self.status_text = uuid.uuid4().hex, ""
        self.to("activating", "start", unit.lasting("TimeoutStartSec"))
        loop, notify = asyncio.get_running_loop(), self.sockets / self.invocation[:12]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(notify))
            listener.setblocking(False)  # noqa: FBT003
            loop.add_reader(listener, self.hear, listener, unit)
            try:
                self.process = process = self.spawn(unit, notify)
                if unit.last("Type") != "notify":
                    self.to("active", "running")
                while (code := process.poll()) is None:
                    if await self.overdue():
                        self.expire(unit)
                self.send(signal.SIGKILL)
                self.hear(listener, unit)
                self.settle(code)
            finally:
                loop.remove_reader(listener)
                notify.unlink(missing_ok=True)
                self.record.unlink(missing_ok=True)
                shutil.rmtree(self.given, ignore_errors=True)
                self.process, self.environ, self.credentials = None, {}, {}
                self.cmdline, self.cwd = [], ""

    def spawn(self, unit: Unit, notify: Path) -> subprocess.Popen[bytes]:
        """Start the process with what its unit gives it, and nothing of the laptop's own."""
        env = {"PATH": f"{self.root}/usr/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
               "HOME": str(self.root), "INVOCATION_ID": self.invocation,
               "NOTIFY_SOCKET": str(notify), "CREDENTIALS_DIRECTORY": str(self.given)}  # fmt: skip
        if unit.times["WatchdogSec"]:
            env["WATCHDOG_USEC"] = str(int(unit.times["WatchdogSec"] * 1e6))
        for line in unit.said.get("Environment", ()):
            env |= dict(word.split("=", 1) for word in shlex.split(line))
        for path in unit.said.get("EnvironmentFile", ()):
            if not path.startswith("-") or self.at(path[1:]).exists():
                env |= variables(self.at(path.removeprefix("-")).read_text("utf-8"))
        self.given.mkdir(mode=0o700, parents=True, exist_ok=True)
        for line in unit.said.get("LoadCredential", ()):
            name, _, path = line.partition(":")
            content = self.at(path).read_bytes()
            (self.given / name).touch(0o600)
            (self.given / name).write_bytes(content)
            self.credentials[name] = hashlib.sha256(content).hexdigest()
        self.cmdline = [str(self.at(word)) if word[:1] == "/" and self.at(word).exists() else word
                        for word in shlex.split(unit.last("ExecStart"))]  # fmt: skip
        self.cwd, self.environ = str(self.at(unit.last("WorkingDirectory", "/"))), env
        if self.log.exists() and self.log.stat().st_size > LOG_AT_MOST:
            self.log.replace(f"{self.log}.1")
        self.started_at_us = time.time_ns() // 1000
        with self.log.open("ab") as log:
            self.logged = log.tell()
            process = subprocess.Popen(self.cmdline, cwd=self.cwd, env=env, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_along)  # fmt: skip
        self.record.write_text(f"{process.pid} {self.started_at_us} {self.invocation}")
        return process

    def at(self, path: str) -> Path:
        """Return where a path of the host lies on this machine."""
        return self.root / path.lstrip("/")

    def hear(self, listener: socket.socket, unit: Unit) -> None:
        """Take in what the process says of itself: READY, STATUS and WATCHDOG."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(100):  # the loop comes back for more
                lines = listener.recv(MESSAGE_AT_MOST).decode(errors="replace").splitlines()
                said = dict(line.partition("=")[::2] for line in lines)
                self.status_text = said.get("STATUS", self.status_text)
                ready = self.sub == "start" and said.get("READY") == "1"
                if ready or (self.sub == "running" and said.get("WATCHDOG") == "1"):
                    self.to("active", "running", unit.lasting("WatchdogSec"))
                    self.wake.set()

    def expire(self, unit: Unit) -> None:
        """Do what must be done when a state took too long."""
        if self.sub == "start":
            self.end(unit, signal.SIGTERM, "timeout")
        elif self.sub == "running":
            self.end(unit, signal.SIGABRT, "watchdog")
        else:
            self.result = "timeout" if self.result == "success" else self.result
            self.to("deactivating", "stop-sigkill", 1.0)
            self.send(signal.SIGKILL)

    def end(self, unit: Unit, number: signal.Signals, result: str = "success") -> None:
        """Ask the process to end, and note why if it was not told to."""
        self.result = result
        self.to("deactivating", "stop-sigterm", min(unit.lasting("TimeoutStopSec"), STOP_AT_MOST_S))
        self.send(number, main=unit.last("KillMode") == "mixed")

    def send(self, number: int, *, main: bool = False) -> None:
        """Signal the process or all of its group; one that is gone has its wish."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                (os.kill if main else os.killpg)(self.process.pid, number)

    def settle(self, code: int) -> None:
        """Conclude from an exit code, and from why the process was ended, how it went."""
        early = self.sub == "start" and self.unit.last("Type") == "notify"
        if self.result == "success" and (code not in CLEAN or early):
            self.result = "protocol" if code in CLEAN else "exit-code" if code > 0 else "signal"
        with self.log.open("rb") as log:
            log.seek(max(self.logged, self.log.stat().st_size - 4096))
            last = (log.read().decode(errors="replace").strip().splitlines() or [""])[-1]
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        self.why = f"{how}{', last said: ' if last else ''}{last[:500]}"

    async def start(self, *, again: bool) -> str:
        """Start, or stop and start; return what is wrong once it is ready or has failed."""
        if self.unit.problem:
            return self.unit.problem
        if again or self.leaving or self.sub == "auto-restart":
            await self.stop()
        if not self.task or self.task.done():
            self.leaving, self.restarts = False, 0
            self.to("activating", "start")
            self.task = asyncio.create_task(self.live())
        while self.sub == "start" or self.sub.startswith("stop-"):
            await self.moved.wait()
        return "" if self.sub == "running" else f"is {self.active}, {self.result}: {self.why}"

    async def stop(self) -> None:
        """Stop and wait until the process is gone; SIGKILL ends what SIGTERM did not."""
        self.leaving = True
        if self.process and not self.sub.startswith("stop-"):
            self.end(self.unit, self.unit.signal)
        self.wake.set()
        if self.task:
            await asyncio.wait({self.task})
        self.leaving = False

    def reset(self) -> None:
        """Forget a failure and the starts that count towards the limit."""
        self.restarts, self.starts, self.began = 0, 0, -math.inf
        if self.active == "failed":
            self.result, self.why = "success", ""
            self.to("inactive", "dead")

    def show(self) -> dict[str, Any]:
        """Return the unit's state in the words of `systemctl show`."""
        wanted = os.path.lexists(self.root / WANTS / self.name)
        paths = [path for path, _ in self.unit.files] or [""]
        load = "not-found" if not self.unit.files else "bad-setting" if self.unit.problem else "loaded"
        return {
            **{key: getattr(self, key) for key in TOLD.split()},
            "load": load,
            "problem": self.unit.problem or self.why,
            "enabled": "enabled" if wanted else "disabled" if "WantedBy" in self.unit.said else "",
            "main_pid": self.process.pid if self.process else 0,
            "need_reload": self.unit.files != read(self.root, self.name),
            "fragment": paths[0],
            "dropins": paths[1:],
            "environ": {k: v for k, v in self.environ.items() if k.startswith("QUANTUM_")},
            "not_honoured": self.unit.not_honoured,
        }


class Supervisor:
    """All units of one root, and the answers to those who ask about them."""

    def __init__(self, root: Path, sockets: Path) -> None:
        self.root, self.sockets, self.done = root, sockets, asyncio.Event()
        self.services: dict[str, Service] = {}

    def service(self, name: str) -> Service:
        """Return a unit, read from the disk when it is named for the first time."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a service")
        if name not in self.services or self.services[name].unit.problem == "not found": ...
