"""Units by the sandbox's supervisor: JSON lines over a Unix socket, the same words as systemd."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from . import ending
from .services import Asked, ServiceError

#: How long the supervisor may take on top of what it was told to wait, in seconds.
GRACE_S = 15.0
STOP_WITHIN_S = 60.0


class Supervisor:
    """A client of harness/sandbox's supervisor."""

    name = "supervisor"
    boots = False
    booting = False

    def __init__(self, control: str) -> None:
        self.control = control

    def show(self, units: Asked) -> dict[str, dict[str, Any]]:
        """Return the state of every unit with one call."""
        if not units:
            return {}
        said = self._ask({"do": "show", "units": list(units)}, GRACE_S)
        states = {}
        for name, names in units.items():
            state = dict(said[name])
            had = state.get("credentials") or {}
            state["credentials"] = {each: had.get(each) for each in names}
            states[name] = state
        return states

    def reload(self) -> None:
        """Read the unit files again."""
        self._ask({"do": "reload"}, GRACE_S)

    def start(
        self, units: Sequence[str], wait_s: float, check: Callable[[], None] = lambda: None
    ) -> None:
        """Start one after the other, each until READY."""
        for name in units:
            check()
            self._ask({"do": "start", "unit": name, "wait_s": wait_s}, wait_s + GRACE_S)

    def restart(
        self, units: Sequence[str], wait_s: float, check: Callable[[], None] = lambda: None
    ) -> None:
        """Restart one after the other, each until READY."""
        for name in units:
            check()
            self._ask({"do": "restart", "unit": name, "wait_s": wait_s}, wait_s + GRACE_S)

    def stop(self, units: Sequence[str]) -> None:
        """Stop in the opposite order, each until its process is gone."""
        for name in reversed(units):
            asked = {"do": "stop", "unit": name, "wait_s": STOP_WITHIN_S}
            self._ask(asked, STOP_WITHIN_S + GRACE_S)

    def reset_failed(self, units: Sequence[str]) -> None:
        """Forget failures and start limits."""
        for name in units:
            self._ask({"do": "reset-failed", "unit": name}, GRACE_S)

    def pids(self, unit: str) -> list[int]:
        """Return the processes of the session that the supervisor started the unit in."""
        main = str(self.show({unit: ()})[unit]["main_pid"])
        every = ending.pids() if main != "0" else []
        return [pid for pid in every if (ending.look(pid) or {}).get("session") == main]

    def kill(self, unit: str, signal: str) -> None:
        """Send a signal to the main process."""
        self._ask({"do": "kill", "unit": unit, "signal": signal}, GRACE_S)

    def verify(self, path: str) -> list[str]:  # noqa: ARG002 - the protocol's word; nothing to ask
        """Return nothing: the sandbox has no systemd-analyze."""
        return []

    def arm(self, name: str, words: Sequence[str], within_s: float) -> None:  # noqa: ARG002
        """Start the program at once, on its own: it waits by itself, and sees when it may end."""
        try:
            first = os.fork()
            if first == 0:
                _leave(words)
            _, status = os.waitpid(first, 0)
        except OSError as error:
            raise ServiceError(f"no process can be started: {error}") from None
        if status:
            raise ServiceError(f"{words[0]} does not start")

    def disarm(self, name: str) -> None:
        """Do nothing: the program looks by itself."""

    def _ask(self, words: dict[str, Any], within_s: float) -> dict[str, Any]:

        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(within_s)
                line.connect(self.control)
                line.sendall(json.dumps(words).encode() + b"\n")
                with line.makefile("rb") as answers:
                    said = json.loads(answers.readline() or b'{"error": "it hung up"}')
        except (OSError, ValueError) as error:
            raise ServiceError(f"the sandbox's supervisor does not answer: {error}") from None
        if "error" in said:
            raise ServiceError(f"{words.get('unit', words['do'])}: {said['error']}")
        return dict(said)


def _leave(words: Sequence[str]) -> None:
    """Become the parent of a program that nobody waits for; the process ends here."""
    status = 1
    try:
        subprocess.Popen(
            list(words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
        )  # fmt: skip
        status = 0
    finally:
        os._exit(status)
