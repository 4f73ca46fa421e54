"""Read unit files as systemd does, as far as the sandbox honours them; the rest is named. No I/O
but `read`.
"""

from __future__ import annotations

import math
import re
import signal
from pathlib import Path

#: Where unit files lie; the first wins, drop-ins of all count.
FOLDERS = ("etc/systemd/system", "lib/systemd/system")
HONOURED = {
    "[Unit]": "Description Documentation StartLimitIntervalSec StartLimitBurst",
    "[Service]": "Type ExecStart WorkingDirectory Environment EnvironmentFile LoadCredential"
    " Restart RestartSec WatchdogSec TimeoutStartSec TimeoutStopSec KillSignal KillMode",
    "[Install]": "WantedBy",
}
#: Spans with what they are unless said; 0 is for ever, but for RestartSec and the interval.
SPANS = {
    "RestartSec": "100ms",
    "WatchdogSec": "0",
    "TimeoutStartSec": "90",
    "TimeoutStopSec": "90",
    "StartLimitIntervalSec": "10",
}
IN_S = {"us": 1e-6, "ms": 1e-3, "": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
#: Restart= -> the results after which the unit starts again by itself.
UNCLEAN = frozenset({"exit-code", "signal", "timeout", "watchdog", "protocol"})
RESTART = {"no": frozenset[str](), "always": UNCLEAN | {"success"}, "on-failure": UNCLEAN}
VALUES = {
    "Type": {"simple", "notify"},
    "Restart": set(RESTART),
    "KillMode": {"mixed", "control-group"},
}
#: One command without prefix, variables or specifiers.
COMMAND = re.compile(r"[^-@:+!|$%][^$%\n]*")

Files = tuple[tuple[str, str], ...]


class Unit:
    """What a unit's files said when they were read; `problem` is why it cannot be run here."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.said: dict[str, list[str]] = {}
        ignored: dict[str, None] = {}
        for section, key, value in _assignments(files):
            if key not in HONOURED.get(section, "").split():
                ignored[key] = None
            elif value:
                self.said.setdefault(key, []).append(value.replace("%%", "%"))
            else:  # an empty value forgets what was said before
                self.said.pop(key, None)
        #: directives without effect here, in the order of the files
        self.not_honoured = list(ignored)
        self.times: dict[str, float] = {}
        self.burst, self.signal = 0, signal.SIGTERM
        self.problem = self._problem()

    def last(self, key: str, default: str = "") -> str:
        """Return what was said last of a directive."""
        return self.said.get(key, [default])[-1]

    def lasting(self, key: str) -> float:
        """Return a span in seconds where 0 means for ever."""
        return self.times[key] or math.inf

    def _problem(self) -> str:
        if not self.files:
            return "not found"
        wrong = [f"{key}={self.last(key)}" for key, known in VALUES.items()
                 if key in self.said and self.last(key) not in known]  # fmt: skip
        commands = self.said.get("ExecStart", [])
        if not COMMAND.fullmatch("\n".join(commands)):
            wrong.append(f"ExecStart={'; '.join(commands)}")
        try:
            self.times = {key: seconds(self.last(key, span)) for key, span in SPANS.items()}
            self.burst = int(self.last("StartLimitBurst", "5"))
            self.signal = signal.Signals[self.last("KillSignal", "SIGTERM")]
        except (ValueError, KeyError) as error:
            wrong.append(str(error))
        return f"this is not honoured here: {', '.join(wrong)}" if wrong else ""


def read(root: Path, name: str) -> Files:
    """Return path on the host and text of a unit's file and its drop-ins; () when it has none."""
    units = [path for folder in FOLDERS if (path := root / folder / name).exists()]
    more = {p.name: p for f in reversed(FOLDERS) for p in (root / f / f"{name}.d").glob("*.conf")}
    paths = [units[0], *(more[each] for each in sorted(more))] if units else []
    return tuple((f"/{path.relative_to(root)}", path.read_text("utf-8")) for path in paths)


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


def seconds(span: str) -> float:
    """Return `90`, `1min 30s` or `infinity` (as 0) in seconds; raises ValueError or KeyError."""
    if span == "infinity":
        return 0.0
    if not re.fullmatch(r"(\d+(\.\d+)?\s*[a-z]*\s*)+", span):
        raise ValueError(f"{span!r} as a span of time")
    parts = re.findall(r"([\d.]+)\s*([a-z]*)", span)
    return math.fsum(float(number) * IN_S[unit] for number, unit in parts)


def variables(text: str) -> dict[str, str]:
    """Return what an EnvironmentFile sets; each value on one line, quoted as systemd reads it."""
    found = {}
    for line in map(str.strip, text.splitlines()):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or line.startswith(("#", ";")):
            continue
        if quoted := re.fullmatch(r'"(.*)"', value):
            value = re.sub(r'\\(["\\$`])', r"\1", quoted[1])
        elif quoted := re.fullmatch(r"'(.*)'", value):
            value = quoted[1]
        else:
            value = re.sub(r"\\(.)", r"\1", value)
        found[name] = value
    return found
