"""Stand in for systemd on a laptop: run the units below one root directory, without root.

What HONOURED lists counts, anything else is told as not honoured here. There are no cgroups: SIGTERM
goes to the main process, SIGKILL to what is left of its process group. starting.py starts this.
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

#: Where unit files lie; the first wins, drop-ins of all count.
FOLDERS = ("etc/systemd/system", "lib/systemd/system")
WANTS = "etc/systemd/system/multi-user.target.wants"
HONOURED = {
    "[Unit]": "Description Documentation StartLimitIntervalSec StartLimitBurst",
    "[Service]": "Type ExecStart WorkingDirectory Environment EnvironmentFile LoadCredential"
    " Restart RestartSec WatchdogSec TimeoutStartSec TimeoutStopSec KillSignal",
    "[Install]": "WantedBy",
}
#: Restart= -> the results after which the unit starts again by itself.
UNCLEAN = {"exit-code", "signal", "timeout", "watchdog", "protocol"}
RESTART = {"no": set[str](), "on-failure": UNCLEAN, "always": UNCLEAN | {"success"}}
CLEAN = (0, -signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM, -signal.SIGPIPE)
IN_S = {"us": 1e-6, "ms": 1e-3, "": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}
STOP_AT_MOST_S = 45.0  #: before SIGKILL, whatever TimeoutStopSec says
TOLD = "active sub result why restarts invocation status_text started_at_us cmdline cwd credentials"
PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else lambda *_: None


class Unit:
    """What a unit's files said when they were read; `problem` is why it cannot be run here."""

    def __init__(self, files: tuple[tuple[str, str], ...]) -> None:
        self.files, self.not_honoured, self.said = files, list[str](), dict[str, list[str]]()
        for _, text in files:
            section = ""
            for line in map(str.strip, text.replace("\\\n", " ").splitlines()):
                key, equals, value = (part.strip() for part in line.partition("="))
                section = line if line.startswith("[") else section
                if not equals or line[0] in "#;[":
                    continue
                if key not in HONOURED.get(section, "").split():
                    self.not_honoured += [key] * (key not in self.not_honoured)
                else:  # an empty value forgets what was said before
                    self.said[key] = [*self.said.get(key, ()), value] if value else []
        self.problem = "" if files else "not found"
        try:
            self.notify = {"simple": False, "notify": True}[self.last("Type", "simple")]
            self.restart, self.command = RESTART[self.last("Restart", "no")], self.last("ExecStart")
            self.restart_s = self.span("RestartSec", "100ms")
            self.limit_s = self.span("StartLimitIntervalSec", "10")
            self.watchdog_s = self.span("WatchdogSec", "0") or math.inf  # in these 0 is for ever
            self.start_s = self.span("TimeoutStartSec", "90") or math.inf
            self.stop_s = min(self.span("TimeoutStopSec", "90") or math.inf, STOP_AT_MOST_S)
            self.burst = int(self.last("StartLimitBurst", "5"))
            self.signal = signal.Signals[self.last("KillSignal", "SIGTERM")]
            if files and not re.fullmatch(r"[^-@:+!|$%][^$%]*", self.command):
                raise ValueError(f"ExecStart={self.command}")
        except (ValueError, KeyError) as error:
            self.problem = f"not honoured here: {error}"

    def last(self, key: str, default: str = "") -> str:
        return (self.said.get(key) or [default])[-1]

    def span(self, key: str, default: str) -> float:
        text = self.last(key, default).replace("infinity", "0")
        if not re.fullmatch(r"(\d+(\.\d+)?\s*[a-z]*\s*)+", text):
            raise ValueError(f"{key}={text}")
        return math.fsum(float(n) * IN_S[u] for n, u in re.findall(r"([\d.]+)\s*([a-z]*)", text))


def read(root: Path, name: str) -> tuple[tuple[str, str], ...]:
    """Return path on the host and text of a unit's file and drop-ins as they are on the disk."""
    units = [path for folder in FOLDERS if (path := root / folder / name).exists()]
    more = {p.name: p for f in reversed(FOLDERS) for p in (root / f / f"{name}.d").glob("*.conf")}
    paths = [units[0], *(more[each] for each in sorted(more))] if units else []
    return tuple((f"/{path.relative_to(root)}", path.read_text("utf-8")) for path in paths)


def variables(text: str) -> dict[str, str]:
    """Return what an EnvironmentFile sets; values bare or in quotes, on one line."""
    pairs = re.findall(r"^[ \t]*([^#;\s=]+)[ \t]*=[ \t]*(.*?)[ \t]*$", text, re.MULTILINE)
    bare = {name: re.sub(r"""^(["'])(.*)\1$""", r"\2", value) for name, value in pairs}
    return {name: re.sub(r'\\(["\\$`])', r"\1", value) for name, value in bare.items()}


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
        self.environ, self.credentials, self.cmdline = dict[str, str](), dict[str, str](), [""]

    def to(self, active: str, sub: str, within_s: float = math.inf) -> None:
        """Move to a state that is overdue after a time; whoever waits looks again."""
        self.active, self.sub, self.due = active, sub, asyncio.get_running_loop().time() + within_s
        self.moved.set()
        self.moved = asyncio.Event()

    async def overdue(self) -> bool:
        """Wait for news; tell whether the time for this state ran out instead."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self.due if self.due < math.inf else None):
                await self.wake.wait()
            self.wake.clear()
            return False
        return True

    async def live(self) -> None:
        """Run the process until it is stopped or has failed, again and again as Restart= says."""
        again = True
        while again:
            unit, now = self.unit, asyncio.get_running_loop().time()
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
        clean = self.result == "success"
        self.to("inactive" if clean else "failed", "dead" if clean else "failed")

    async def once(self, unit: Unit) -> None:
        """Run the process from start to end; `result` and `why` tell how it ended."""
        self.invocation, self.status_text = uuid.uuid4().hex, ""
        self.to("activating", "start", unit.start_s)
        notify, listener = self.sockets / self.invocation[:12], socket.socket(socket.AF_UNIX, 2)
        try:
            listener.bind(str(notify))
            listener.setblocking(False)
            asyncio.get_running_loop().add_reader(listener, self.wake.set)
            self.process = self.spawn(unit, notify)
            if not unit.notify:
                self.to("active", "running", unit.watchdog_s)
            while (code := self.process.poll()) is None:
                late = await self.overdue()
                self.hear(listener, unit)
                if late and asyncio.get_running_loop().time() >= self.due:
                    self.expire(unit)
            self.send(os.killpg, signal.SIGKILL)
            self.hear(listener, unit)
            self.settle(code, early=self.sub == "start")
        finally:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
            for path in (notify, self.record):
                path.unlink(missing_ok=True)
            shutil.rmtree(self.given, ignore_errors=True)
            self.process, self.environ, self.credentials = None, {}, {}

    def spawn(self, unit: Unit, notify: Path) -> subprocess.Popen[bytes]:
        """Start the process with what its unit gives it, and nothing of the laptop's own."""
        env = {"PATH": f"{self.root}/usr/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
               "HOME": str(self.root), "INVOCATION_ID": self.invocation,
               "NOTIFY_SOCKET": str(notify), "CREDENTIALS_DIRECTORY": str(self.given)}  # fmt: skip
        if unit.watchdog_s < math.inf:
            env["WATCHDOG_USEC"] = str(int(unit.watchdog_s * 1e6))
        for line in unit.said.get("Environment", ()):
            env |= dict(word.split("=", 1) for word in shlex.split(line))
        for path in unit.said.get("EnvironmentFile", ()):
            if not path.startswith("-") or self.at(path[1:]).exists():
                env |= variables(self.at(path.removeprefix("-")).read_text("utf-8"))
        self.given.mkdir(mode=0o700, parents=True, exist_ok=True)
        for line in unit.said.get("LoadCredential", ()):
            name, _, path = line.partition(":")
            (self.given / name).touch(0o600)
            (self.given / name).write_bytes(content := self.at(path).read_bytes())
            self.credentials[name] = hashlib.sha256(content).hexdigest()
        self.cmdline = [str(self.at(word)) if word[:1] == "/" and self.at(word).exists() else word
                        for word in shlex.split(unit.command)]  # fmt: skip
        self.cwd, self.environ = str(self.at(unit.last("WorkingDirectory", "/"))), env
        self.started_at_us = time.time_ns() // 1000
        with self.log.open("ab") as log:
            self.logged = log.tell()
            process = subprocess.Popen(
                self.cmdline, cwd=self.cwd, env=env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
                preexec_fn=lambda: PRCTL(1, signal.SIGKILL),  # noqa: PLW1509 - PR_SET_PDEATHSIG
            )  # fmt: skip
        self.record.write_text(f"{process.pid} {self.started_at_us} {self.invocation}")
        return process

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def hear(self, listener: socket.socket, unit: Unit) -> None:
        """Take in what the process says of itself: READY, STATUS and WATCHDOG."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(1000):  # what is left then wakes the loop again
                lines = listener.recv(65536).decode(errors="replace").splitlines()
                said = dict(line.partition("=")[::2] for line in lines)
                self.status_text = said.get("STATUS", self.status_text)
                fed = self.sub == "running" and said.get("WATCHDOG") == "1"
                if fed or (self.sub == "start" and said.get("READY") == "1"):
                    self.to("active", "running", unit.watchdog_s)

    def expire(self, unit: Unit) -> None:
        if self.sub.startswith("stop-"):
            self.result = "timeout" if self.result == "success" else self.result
            self.to("deactivating", "stop-sigkill", 1.0)
            self.send(os.killpg, signal.SIGKILL)
        else:
            early = self.sub == "start"
            self.result = "timeout" if early else "watchdog"
            self.end(unit, signal.SIGTERM if early else signal.SIGABRT)

    def end(self, unit: Unit, number: signal.Signals) -> None:
        self.to("deactivating", "stop-sigterm", unit.stop_s)
        self.send(os.kill, number)

    def send(self, kill: Callable[[int, int], None], number: int) -> None:
        """Signal the process or its group; one that is gone already has its wish."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(self.process.pid, number)

    def settle(self, code: int, *, early: bool) -> None:
        """Conclude from the exit code how it went, unless it was ended for a reason."""
        if self.result == "success" and (early or code not in CLEAN):
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

    def reset_failed(self) -> None:
        self.restarts, self.starts, self.began = 0, 0, -math.inf
        if self.active == "failed":
            self.result = "success"
            self.to("inactive", "dead")

    def show(self) -> dict[str, Any]:
        """Return the unit's state in the words of `systemctl show`, and what is not honoured."""
        paths = [path for path, _ in self.unit.files] or [""]
        linked = os.path.lexists(self.root / WANTS / self.name)
        return {
            **{key: getattr(self, key) for key in TOLD.split()},
            "load": "loaded" if self.unit.files else "not-found",
            "enabled": "enabled" if linked else "disabled" if "WantedBy" in self.unit.said else "",
            "main_pid": self.process.pid if self.process else 0,
            "need_reload": self.unit.files != read(self.root, self.name),
            "fragment": paths[0],
            "dropins": paths[1:],
            "environ": {k: v for k, v in self.environ.items() if k.startswith("QUANTUM_")},
            "problem": self.unit.problem,
            "not_honoured": self.unit.not_honoured,
        }


class Supervisor:
    """All units of one root, and the answers to those who ask: a JSON line each."""

    def __init__(self, root: Path, sockets: Path) -> None:
        self.root, self.sockets, self.done = root, sockets, asyncio.Event()
        self.services: dict[str, Service] = {}
        self.closing = False

    def service(self, name: str) -> Service:
        if not re.fullmatch(r"[\w.:@-]+\.service", name):
            raise ValueError(f"{name!r} is no name of a service")
        found = self.services.get(name)
        if not found or not (found.unit.files or found.process):
            found = self.services[name] = Service(self.root, self.sockets, name)
        return found

    async def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        do = asked["do"]
        if do == "show":
            return {name: self.service(name).show() for name in asked["units"]}
        if do == "reload":
            for each in self.services.values():
                each.unit = Unit(read(self.root, each.name))
            return {"ok": True}
        if do == "shutdown":
            await self.stop_all()
            return {"ok": True}
        service, problem = self.service(asked["unit"]), ""
        if do in {"start", "restart"}:
            ...
        return {"error": problem} if problem else {"ok": True}
