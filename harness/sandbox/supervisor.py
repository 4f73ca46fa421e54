"""Stand in for systemd on a laptop: run the units below one root directory, without root.

Started as `python3 -I -S supervisor.py ROOT`: it forks, and the parent ends once it listens. HONOURED
lists the directives that count; any other is told per unit as not honoured here. No cgroups: a
process that leaves its unit's process group is found again only on Linux, by its INVOCATION_ID.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import json
import math
import os
import re
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Where unit files lie; the first wins, drop-ins of all count.
FOLDERS = ("etc/systemd/system", "lib/systemd/system")
WANTS = "etc/systemd/system/multi-user.target.wants"
#: Spans with what they are unless said; 0 is for ever, but for RestartSec and the interval.
SPANS = {"RestartSec": "100ms", "WatchdogSec": "0", "TimeoutStartSec": "90",
         "TimeoutStopSec": "90", "StartLimitIntervalSec": "10"}  # fmt: skip
SERVICE = "Type ExecStart Restart WorkingDirectory Environment EnvironmentFile LoadCredential"
HONOURED = {
    "[Unit]": {"Description", "Documentation", "StartLimitIntervalSec", "StartLimitBurst"},
    "[Service]": {*SERVICE.split(), "KillSignal", "KillMode", *SPANS} - {"StartLimitIntervalSec"},
    "[Install]": {"WantedBy"},
}
IN_S = {"us": 1e-6, "ms": 1e-3, "": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
#: Restart= -> the results after which it starts again by itself.
UNCLEAN = {"exit-code", "signal", "timeout", "watchdog", "protocol"}
RESTART = {"no": set[str](), "always": UNCLEAN | {"success"}, "on-failure": UNCLEAN,
           "on-abnormal": UNCLEAN - {"exit-code"}, "on-success": {"success"}}  # fmt: skip
CLEAN = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)
#: No stop takes longer before SIGKILL, whatever TimeoutStopSec says, in seconds.
STOP_AT_MOST_S = 45.0
LOG_AT_MOST, LINE_AT_MOST = 16 << 20, 1 << 20  #: bytes
TAKEN = 75  #: exit code: another supervisor has this root
LINUX = sys.platform == "linux"
LIBC = ctypes.CDLL(None)
Job = Generator[None, None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit's files said when they were last read."""

    files: tuple[tuple[str, str], ...]  #: path on the host and text; the drop-ins follow
    said: dict[str, list[str]] = field(default_factory=dict)
    not_honoured: list[str] = field(default_factory=list)
    times: dict[str, float] = field(default_factory=dict)
    problem: str = "not found"

    def last(self, key: str, default: str = "") -> str:
        return self.said.get(key, [default])[-1]


def read(root: Path, name: str) -> tuple[tuple[str, str], ...]:
    """Return a unit's file and drop-ins as they are on the disk, empty when there is none."""
    units = [path for folder in FOLDERS if (path := root / folder / name).exists()]
    more = {p.name: p for f in reversed(FOLDERS) for p in (root / f / f"{name}.d").glob("*.conf")}
    paths = [*units[:1], *(more[each] for each in sorted(more))] if units else []
    return tuple((f"/{p.relative_to(root)}", p.read_text(errors="replace")) for p in paths)


def parse(files: tuple[tuple[str, str], ...]) -> Unit:
    """Merge a unit's files; what cannot be run here is its problem, in words."""
    said: dict[str, list[str]] = {}
    ignored: dict[str, None] = {}
    for _, text in files:
        section = ""
        for line in map(str.strip, text.replace("\\\n", " ").splitlines()):
            key, equals, value = (part.strip() for part in line.partition("="))
            if line.startswith("["):
                section = line
            elif equals and line[0] not in "#;" and key not in HONOURED.get(section, ()):
                ignored[key] = None
            elif equals and line[0] not in "#;":
                said[key] = [*said.get(key, ()), value.replace("%%", "%")] if value else []
    said = {key: values for key, values in said.items() if values}
    unit, times, problem = Unit(files, said), {}, "" if files else "not found"
    try:
        times = {key: seconds(unit.last(key, default)) for key, default in SPANS.items()}
        int(unit.last("StartLimitBurst", "5"))
        wrong = [key for key, known in (("Type", {"simple", "notify"}), ("Restart", RESTART),
                                        ("KillMode", {"mixed", "control-group"}))
                 if key in said and unit.last(key) not in known]  # fmt: skip
        if files and (wrong or not re.fullmatch(r"[^-@:+!|][^$%]*", *said.get("ExecStart", [""]))):
            problem = f"not honoured here: {' '.join(wrong) or 'its ExecStart='}"
    except (TypeError, ValueError, KeyError) as error:
        problem = f"cannot be understood: {error}"
    return Unit(files, said, list(ignored), times, problem)


def seconds(span: str) -> float:
    """Return `90`, `1min 30s` or `infinity` in seconds."""
    if not re.fullmatch(r"infinity|([\d.]+\s*[a-z]*\s*)+", span):
        raise ValueError(f"{span!r} is no span of time")
    parts = re.findall(r"([\d.]+)\s*([a-z]*)", span)
    return math.fsum(float(number) * IN_S[unit] for number, unit in parts)


def environment_file(text: str) -> dict[str, str]:
    """Return the variables of an EnvironmentFile, quoted as systemd reads them."""
    found = {}
    for line in map(str.strip, text.replace("\\\n", "").splitlines()):
        name, equals, value = (part.strip() for part in line.partition("="))
        if equals and line[0] not in "#;":
            if value[:1] == value[-1:] == "'" and value[1:]:
                value = value[1:-1]
            elif value[:1] == value[-1:] == '"' and value[1:]:
                value = re.sub(r'\\(["\\$`])', r"\1", value[1:-1])
            else:
                value = re.sub(r"\\(.)", r"\1", value)
            found[name] = value
    return found


def born(pid: int) -> str:
    """Return when a process was started, in its system's words; empty when it is gone."""
    with contextlib.suppress(OSError, ValueError):
        if LINUX:
            said = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return "" if said[0] in "ZX" else said[19]
        asked = ("ps", "-o", "stat=,lstart=", "-p", str(pid))
        state, *said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
        return "" if state.startswith("Z") else "-".join(said)
    return ""


def sweep(pid: int, invocation: str) -> None:
    """Kill what is left of a unit whose main process has ended or is to."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for path in Path("/proc").glob("[0-9]*/environ") if LINUX else ():
        with contextlib.suppress(OSError):
            if f"INVOCATION_ID={invocation}".encode() in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)
