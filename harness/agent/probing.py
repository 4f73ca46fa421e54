"""Run forbidden actions in units of our own making, which are like the real ones or bare.

Nothing can enter a running unit with all that holds there: its namespaces can be joined, its
seccomp filter and its dropped capabilities cannot. So each trial is a unit file in /run with the
real unit's [Service] lines, in which only what is executed is another. A sweeper waits on a lock
that dies with this process and then removes everything, however this ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pkgutil
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .failing import AgentError
from .forbidden import place
from .machine import Machine
from .processes import run

FOLDER = "/run/systemd/system"
#: All trials together may take this long, and are stopped then, in seconds.
TRIALS_WITHIN_S = 60.0
#: What has not been removed by then has not been removed, in seconds.
SWEEP_WITHIN_S = 30.0
LOOK_EVERY_S = 0.02
MOST_TRIALS = 256
#: A trial keeps these directories of its real unit, under a name of its own.
DIRECTORIES = {
    "StateDirectory": "/var/lib", "CacheDirectory": "/var/cache", "LogsDirectory": "/var/log",
    "RuntimeDirectory": "/run",
}  # fmt: skip
#: What would run, load or touch something of the real unit is not taken over.
LEFT_OUT = (
    "Exec", "Environment", "PassEnvironment", "LoadCredential", "SetCredential", "ImportCredential",
    "PIDFile", "BusName", "Sockets", "FileDescriptorStoreMax", "ConfigurationDirectory",
    *DIRECTORIES,
)  # fmt: skip
#: Its names begin as one that is left out, and it is what is tried.
KEPT = ("ExecPaths=",)
#: Comes last in each trial.
INSTEAD = (
    "Type=oneshot", "RemainAfterExit=no", "Restart=no", "WatchdogSec=0", "NotifyAccess=none",
    "TimeoutStartSec=20", "TimeoutStopSec=2", "KillMode=control-group", "LogLevelMax=err",
)  # fmt: skip
SWEEP = """
flock -w {wait} {run}/lock true
systemctl stop '{name}-*'
systemctl reset-failed '{name}-*'
cd / && rm -rf {folder}/{name}-*.service {run} \
  /var/lib/{name}-* /var/lib/private/{name}-* /var/cache/{name}-* /var/cache/private/{name}-* \
  /var/log/{name}-* /var/log/private/{name}-* /run/{name}-* /run/private/{name}-*
"""
LIMITS = ("memory.max", "cpu.max", "pids.max")


def probe(
    machine: Machine, trials: Mapping[str, Mapping[str, Any]], units: Sequence[str],
    code: Sequence[str], check: Callable[[], None],
) -> dict[str, Any]:  # fmt: skip
    """Return what came of each trial's actions, and the limits that hold for the real units."""
    if machine.services.name != "systemd":
        raise AgentError("refused", "no directive is enforced where a directory stands for a host")
    if len(trials) > MOST_TRIALS:
        raise AgentError("request", f"{len(trials)} trials are too many")
    with _swept() as (name, folder):
        names = {key: f"{name}-{number}" for number, key in enumerate(trials)}
        given = _given(code)
        for key, trial in trials.items():
            text = _unit(trial, folder, names[key], given)
            _write(f"{FOLDER}/{names[key]}.service", text.encode(), 0o644)
        words = [f"{each}.service" for each in names.values()]
        run(("systemctl", "start", "--", *words), TRIALS_WITHIN_S, check)
        found = {key: _said(folder, names[key]) for key in trials}
    return {"trials": found, "limits": {unit: limits(unit) for unit in units}}


@contextlib.contextmanager
def _swept() -> Iterator[tuple[str, str]]:
    """Yield the trials' common name and a folder; both are gone afterwards, and if we die."""
    name = f"quantum-probe-{secrets.token_hex(4)}"
    folder = f"/run/{name}"
    os.mkdir(folder, 0o700)
    lock = os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        words = SWEEP.format(
            run=folder, name=name, folder=FOLDER, wait=int(TRIALS_WITHIN_S + SWEEP_WITHIN_S)
        )
        sweeper = ("systemd-run", "--quiet", "--collect", f"--unit=quantum-sweep-{name[-8:]}",
                   "/bin/sh", "-c", words)  # fmt: skip
        started = run(sweeper, SWEEP_WITHIN_S)
        if started.code != 0:
            os.unlink(f"{folder}/lock")
            os.rmdir(folder)
            raise AgentError("failed", f"nothing could be tried: {started.last_line}", step="probe")
        text = pkgutil.get_data(__package__ or "agent", "forbidden.py")
        _write(f"{folder}/program", text or b"")
        os.makedirs(FOLDER, exist_ok=True)
        yield name, folder
    finally:
        os.close(lock)
    _wait_gone(folder)


def _wait_gone(folder: str) -> None:
    deadline = time.monotonic() + SWEEP_WITHIN_S
    while os.path.exists(folder):
        if time.monotonic() > deadline:
            raise AgentError(
                "failed", f"{folder} was not swept away within {SWEEP_WITHIN_S:.0f} s",
                action=f"see `systemctl status quantum-sweep-{folder[-8:]}` on the host",
            )  # fmt: skip
        time.sleep(LOOK_EVERY_S)


def _unit(trial: Mapping[str, Any], folder: str, name: str, given: str) -> str:
    """Return a unit that runs the actions as the lines of [Service] have it."""
    said = [line.partition("=") for line in str(trial["service"]).splitlines()]
    keys = {key for key, _, _ in said}
    moved = {f"{DIRECTORIES[key]}/{each}": f"{DIRECTORIES[key]}/{name}"
             for key, _, value in said if key in DIRECTORIES for each in value.split()}  # fmt: skip
    lines = [
        f"{key}={' '.join(_moved(word, moved) for word in value.split(' '))}"
        for key, _, value in said
    ]
    python = os.path.realpath("/usr/bin/python3")
    return "\n".join(
        [
            "[Unit]", "Description=A trial of Quantum Ops", "StartLimitIntervalSec=0", "[Service]",
            *(each for each in lines if each.startswith(KEPT) or not each.startswith(LEFT_OUT)),
            *INSTEAD,
            *(f"{each}={name}" for each in DIRECTORIES if each in keys),
            # a unit that runs another program may refuse the interpreter
            *[f"ExecPaths={python}"] * ("NoExecPaths" in keys),
            f"StandardInput=file:{folder}/program",
            f"StandardOutput=truncate:{folder}/{name}.out",
            f"StandardError=truncate:{folder}/{name}.err",
            f"ExecStart={python} -I -S - {' '.join(trial['actions'])} {given}", "",
        ]
    )  # fmt: skip


def _moved(word: str, moved: Mapping[str, str]) -> str:
    """Return a word of the unit, where it names one of its directories with the trial's own."""
    sign = "-" * word.startswith("-")
    return sign + moved.get(word[len(sign) :], word[len(sign) :])


def _given(code: Sequence[str]) -> str:
    """Return what a trial must know of the host to tell whether it sees it."""
    return " ".join(
        [
            f"tmp={place('/tmp')}", f"dev={place('/dev')}",  # noqa: S108 - their identity
            f"ipc={os.readlink('/proc/self/ns/ipc')}", f"users={os.readlink('/proc/self/ns/user')}",
            f"code={','.join(code)}",
        ]
    )  # fmt: skip


def _said(folder: str, name: str) -> dict[str, Any]:
    """Return what a trial printed, or why it did not."""
    out, err = _text(f"{folder}/{name}.out"), _text(f"{folder}/{name}.err")
    with contextlib.suppress(ValueError):
        return {"actions": json.loads(out), "why": ""}
    shown = run(("systemctl", "show", "--property=Result,ExecMainStatus", f"{name}.service"), 30.0)
    return {"actions": {}, "why": f"{' '.join(shown.output.split())} {err[-300:]}".strip()}


def limits(unit: str) -> dict[str, str | None]:
    """Return what holds for a running unit, from its cgroup and its main process."""
    asked = ("systemctl", "show", "--property=ControlGroup,MainPID", "--", unit)
    said = dict(line.partition("=")[::2] for line in run(asked, 30.0).output.splitlines())
    group = said.get("ControlGroup", "")
    found: dict[str, str | None] = dict.fromkeys((*LIMITS, "core"))
    if group:
        found.update({name: _text(f"/sys/fs/cgroup{group}/{name}") or None for name in LIMITS})
    with contextlib.suppress(OSError), open(f"/proc/{said.get('MainPID')}/limits") as file:
        for line in file:
            if line.startswith("Max core file size"):
                found["core"] = line.split()[5]
    return found


def _text(path: str) -> str:
    """Return what a file says, nothing where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return " ".join(file.read().split())
    except OSError:
        return ""


def _write(path: str, content: bytes, mode: int = 0o600) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(opened, "wb") as file:
        file.write(content)
