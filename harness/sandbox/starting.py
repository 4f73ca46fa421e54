"""Start the supervisor of a root, once: lock, leftovers of one that was killed, its sockets."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import ConfigurationError, UnreachableError

PROJECT = Path(__file__).resolve().parent.parent.parent
#: A socket's path must fit into 104 bytes on macOS; names below the folder need up to 16.
FOLDER_AT_MOST = 85
START_WITHIN_S = 30.0
ANSWER_WITHIN_S = 15.0
#: Longer than any unit takes to stop.
SHUT_DOWN_WITHIN_S = 90.0
LOOK_EVERY_S = 0.02
#: How far apart two clocks may show the start of one process, in seconds.
SAME_START_S = 2.0


def control_of(root: Path) -> Path | None:
    """Return the socket of the supervisor that runs for `root`, None when none answers."""
    try:
        control = Path(json.loads((root / "run/supervisor.json").read_text())["control"])
    except (OSError, ValueError, KeyError):
        return None
    try:
        ask(control, {"do": "show", "units": []})
    except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
        return None
    except OSError as error:
        raise UnreachableError(
            f"the sandbox's supervisor does not answer: {error}",
            step="sandbox",
            action=f"end it: kill -9 the pid in {root}/run/supervisor.json",
        ) from error
    return control


def ask(control: Path, words: dict[str, Any], within_s: float = ANSWER_WITHIN_S) -> dict[str, Any]:
    """Ask the supervisor one question; raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(within_s)
        line.connect(str(control))
        line.sendall(json.dumps(words).encode() + b"\n")
        with line.makefile("rb") as answers:
            said = answers.readline()
    if not said:
        raise ConnectionResetError("it hung up")
    return dict(json.loads(said))


def ensure(root: Path) -> Path:
    """Return the control socket of the one supervisor of `root`, started if need be."""
    until = time.monotonic() + START_WITHIN_S
    while time.monotonic() < until:
        if found := control_of(root):
            return found
        with lock(root) as taken:
            if taken:
                _launch(root, taken)
        time.sleep(LOOK_EVERY_S)
    raise UnreachableError(
        "the sandbox's supervisor does not come up",
        step="sandbox",
        action=f"see {root}/var/log/journal/supervisor.log",
    )


def wait_gone(root: Path) -> None:
    """Wait until no supervisor holds `root`."""
    until = time.monotonic() + SHUT_DOWN_WITHIN_S
    while time.monotonic() < until:
        with lock(root) as taken:
            if taken:
                return
        time.sleep(LOOK_EVERY_S)
    raise UnreachableError("the sandbox's supervisor does not end", step="sandbox")


@contextlib.contextmanager
def lock(root: Path) -> Iterator[int | None]:
    """Yield a descriptor that holds the root, None when another has it."""
    held = os.open(root / "run/supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield held if _take(held) else None
    finally:
        os.close(held)


def _take(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _launch(root: Path, held: int) -> None:
    """Start the supervisor; the lock goes with it, so that it ends when its process does."""
    kill_leftovers(root)
    folder = sockets(root)
    for old in folder.iterdir():
        old.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(folder / "control"))
        listener.listen(64)
        with (root / "var/log/journal/supervisor.log").open("ab") as log:
            subprocess.run(
                (sys.executable, "-B", "-E", "-s", "-S", "-m", "harness.sandbox.answering",
                 str(root), str(folder), str(listener.fileno())),
                cwd=PROJECT, env={"LANG": "C.UTF-8"}, pass_fds=(held, listener.fileno()),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                timeout=START_WITHIN_S, check=True,
            )  # fmt: skip


def sockets(root: Path) -> Path:
    """Return the private folder of a root's sockets, whose path is short; made if absent."""
    name = f"quantum-ops-{os.getuid()}-{hashlib.sha256(bytes(root)).hexdigest()[:12]}"
    places = [Path(place) / name for place in (tempfile.gettempdir(), "/tmp")]  # noqa: S108 - 0700
    folder = next((each for each in places if len(bytes(each)) <= FOLDER_AT_MOST), places[-1])
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigurationError(
            f"{folder} is not a folder of your own that only you may enter",
            step="sandbox",
            action=f"see whose it is and remove it: ls -ld {folder}",
        )
    return folder


def kill_leftovers(root: Path) -> None:
    """Kill what a supervisor left behind that was killed itself; a pid alone proves nothing."""
    for record in (root / "run/supervisor").glob("*.service"):
        with contextlib.suppress(ValueError, OSError):
            pid, started_at_us, invocation = record.read_text().split()
            _kill(int(pid), int(started_at_us) / 1e6, f"INVOCATION_ID={invocation}".encode())
        record.unlink(missing_ok=True)


def _kill(pid: int, started_s: float, mark: bytes) -> None:
    until = time.monotonic() + START_WITHIN_S
    while (left := _left(pid, started_s, mark)) and time.monotonic() < until:
        for each in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        time.sleep(LOOK_EVERY_S)


def _left(pid: int, started_s: float, mark: bytes) -> list[int]:
    """Return the processes of one start of a unit: by environment, else by pid and start."""
    if sys.platform == "linux":
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ")
                if mark in _read(path).split(b"\0")]  # fmt: skip
    asked = ("ps", "-o", "stat=,lstart=", "-p", str(pid))
    said = subprocess.run(asked, env={"LC_ALL": "C"}, capture_output=True, text=True, check=False)
    state, _, born = said.stdout.strip().partition(" ")
    if not born or state.startswith("Z"):
        return []
    began_s = time.mktime(time.strptime(born.strip(), "%a %b %d %H:%M:%S %Y"))
    return [pid] if abs(began_s - started_s) <= SAME_START_S else []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
