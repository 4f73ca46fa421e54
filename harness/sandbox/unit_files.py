"""Read unit files as systemd does, as far as the sandbox honours them, and name the rest."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from signal import SIGTERM, Signals
from typing import TypeVar

#: Where unit files lie; the first wins, drop-ins of all count.
FOLDERS = ("etc/systemd/system", "run/systemd/system", "lib/systemd/system")
HONOURED = {
    "[Unit]": "Description Documentation StartLimitIntervalSec StartLimitBurst",
    "[Service]": "Type ExecStart WorkingDirectory Environment EnvironmentFile LoadCredential"
    " Restart RestartSec WatchdogSec TimeoutStartSec TimeoutStopSec KillSignal",
    "[Install]": "WantedBy",
}
#: Restart= -> the results after which the unit starts again by itself.
UNCLEAN = frozenset({"exit-code", "signal", "timeout", "watchdog", "protocol"})
RESTART = {"no": frozenset[str](), "on-failure": UNCLEAN, "always": UNCLEAN | {"success"}}
IN_S = {"us": 1e-6, "ms": 1e-3, "": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}
#: No stop waits longer before SIGKILL, whatever TimeoutStopSec says, in seconds.
STOP_AT_MOST_S = 45.0
#: One command without systemd's prefixes, variables and specifiers.
SPAN = re.compile(r"(\d+(\.\d+)?\s*[a-z]*\s*)+")
COMMAND = re.compile(r"[^-@:+!|$%\n][^$%\n]*")

T = TypeVar("T")
Files = tuple[tuple[str, str], ...]


class Unit:
    """What a unit's files said when they were read; `problem` is why it cannot be run here."""

    # what holds unless it is said; spans in seconds
    notify = False
    restart = RESTART["no"]
    restart_s, limit_s, burst = 0.1, 10.0, 5
    watchdog_s, start_s, stop_s = math.inf, 90.0, STOP_AT_MOST_S
    signal = SIGTERM

    def __init__(self, files: Files) -> None:
        self.files = files
        self.said: dict[str, list[str]] = {}
        ignored: dict[str, None] = {}
        for section, key, value in _assignments(files):
            if key not in HONOURED.get(section, "").split():
                ignored[key] = None
            elif value:
                self.said.setdefault(key, []).append(value)
            else:  # an empty value forgets what was said before
                self.said.pop(key, None)
        #: directives without effect here, in the order of the files
        self.not_honoured = list(ignored)
        self.problem = "" if files else "not found"
        try:
            self._understand()
        except ValueError as error:
            self.problem = self.problem or f"not honoured here: {error}"

    def _understand(self) -> None:
        self.notify = self._one_of("Type", {"simple": False, "notify": True}, "simple")
        self.restart = self._one_of("Restart", RESTART, "no")
        self.restart_s = self._span("RestartSec", self.restart_s)
        self.limit_s = self._span("StartLimitIntervalSec", self.limit_s)
        self.burst = int(self.last("StartLimitBurst", str(self.burst)))
        # 0 is for ever in these
        self.watchdog_s = self._span("WatchdogSec", 0) or math.inf
        self.start_s = self._span("TimeoutStartSec", self.start_s) or math.inf
        self.stop_s = min(self._span("TimeoutStopSec", self.stop_s) or math.inf, STOP_AT_MOST_S)
        signals = {each.name: each for each in Signals}
        self.signal = self._one_of("KillSignal", signals, self.signal.name)
        commands = "\n".join(self.said.get("ExecStart", ()))
        if not COMMAND.fullmatch(commands):
            raise ValueError(f"ExecStart={commands}")

    def last(self, key: str, default: str = "") -> str:
        """Return what was said last of a directive."""
        return self.said.get(key, [default])[-1]

    def _one_of(self, key: str, known: Mapping[str, T], default: str) -> T:
        value = self.last(key, default)
        if value not in known:
            raise ValueError(f"{key}={value}")
        return known[value]

    def _span(self, key: str, default: float) -> float:
        text = self.last(key)
        parts = re.findall(r"([\d.]+)\s*([a-z]*)", text)
        if not text or text == "infinity":
            return 0.0 if text else default
        if not SPAN.fullmatch(text) or any(unit not in IN_S for _, unit in parts):
            raise ValueError(f"{key}={text}")
        return math.fsum(float(number) * IN_S[unit] for number, unit in parts)

    def words(self, root: Path) -> list[str]:
        """Return the command. A program that is not below `root` is the laptop's.

        An argument that is a path leads below `root` whether it exists there or not: the laptop's
        own /etc/redis/redis.conf is never meant.
        """
        program, *arguments = shlex.split(self.last("ExecStart"))
        inside = at(root, program)
        return [
            str(inside) if program.startswith("/") and inside.exists() else program,
            *(str(at(root, word)) if word.startswith("/") else word for word in arguments),
        ]

    def environment(self, root: Path) -> dict[str, str]:
        """Return what Environment= and then EnvironmentFile= say; raises OSError."""
        found: dict[str, str] = {}
        for line in self.said.get("Environment", ()):
            found |= dict(word.split("=", 1) for word in shlex.split(line.replace("%%", "%")))
        for path in self.said.get("EnvironmentFile", ()):
            place = at(root, path.removeprefix("-"))
            if place.exists() or not path.startswith("-"):
                found |= variables(place.read_text("utf-8"))
        return found

    def credentials(self, root: Path) -> dict[str, bytes]:
        """Return what LoadCredential= names; raises OSError."""
        pairs = (line.partition(":")[::2] for line in self.said.get("LoadCredential", ()))
        return {name: at(root, path).read_bytes() for name, path in pairs}


def at(root: Path, path: str) -> Path:
    """Return where an absolute path of the host lies on this machine."""
    return root / path.lstrip("/")


def read(root: Path, name: str) -> Files:
    """Return path on the host and text of a unit's file and its drop-ins; () when it has none."""
    units = [path for folder in FOLDERS if (path := root / folder / name).exists()]
    more = {p.name: p for f in reversed(FOLDERS) for p in (root / f / f"{name}.d").glob("*.conf")}
    # a link that leads nowhere is passed over, as systemd does
    paths = [units[0], *(more[e] for e in sorted(more) if more[e].is_file())] if units else []
    return tuple(
        (f"/{path.relative_to(root)}", path.read_text("utf-8", "replace")) for path in paths
    )


def _assignments(files: Files) -> list[tuple[str, str, str]]:
    found = []
    for _, text in files:
        section = ""
        for line in map(str.strip, text.replace("\\\n", " ").splitlines()):
            key, equals, value = line.partition("=")
            if line.startswith("["):
                section = line
            elif equals and not line.startswith(("#", ";")):
                found.append((section, key.strip(), value.strip()))
    return found


def variables(text: str) -> dict[str, str]:
    """Return what an EnvironmentFile sets; each value on one line, quoted as systemd reads it."""
    found = {}
    for line in map(str.strip, text.splitlines()):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or line.startswith(("#", ";")):
            continue
        if quoted := re.fullmatch(r'"(.*)"', value):
            found[name] = re.sub(r'\\(["\\$`])', r"\1", quoted[1])
        elif quoted := re.fullmatch(r"'(.*)'", value):
            found[name] = quoted[1]
        else:
            found[name] = re.sub(r"\\(.)", r"\1", value)
    return found
