"""Keep the key that says this consumer lives, and let no second process go by its name.

A name is free once its heartbeat has run out. That takes ten seconds after a kill -9, too long for
a restart on the same host, so a process also holds a lock that the kernel drops with it: an
abstract socket, which needs no file, no /proc and no privilege, and so works in a hardened unit.
Who holds the lock of the very place that a heartbeat names knows that its process is dead.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consumers.failing import NameTakenError
from consumers.settings import Settings
from consumers.stopping import Stop
from streams import keys, scripting

TTL_MS = keys.HEARTBEAT_TTL_S * 1000
#: A living process renews so often, in seconds.
RENEW_EVERY_S = 2.0
#: How often one looks whether another's heartbeat is renewed, in seconds.
LOOK_EVERY_S = 0.25


def place() -> str:
    """Return a name for where a local lock means something: this machine, this network namespace.

    "" where there are no abstract sockets (macOS).
    """
    try:
        network = Path("/proc/self/ns/net").stat().st_ino
    except OSError:
        return ""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine = ""
    # a container often has no machine id, but a host name of its own
    told = f"{machine or socket.gethostname()} {network}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


class Heartbeat:
    """A process's claim to its name."""

    def __init__(
        self, client: Any, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        group, name = settings.group_decision_intelligence, settings.consumer_name
        self._client, self._clock, self._name = client, clock, name
        self._key = keys.heartbeat(group, name)
        self._place = place()
        self._value = json.dumps(
            {
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "start": round(time.time(), 3),
                "incarnation": secrets.token_hex(8),
                "place": self._place,
            }
        )
        address = (settings.redis_host, settings.redis_port, settings.redis_db)
        self._lock_name = hashlib.sha256(f"{address}{self._key}".encode()).hexdigest()[:32]
        self._lock: socket.socket | None = None
        self._held = False
        self._renew_at = 0.0

    def hold(self, stop: Stop) -> None:
        """Take the name the first time, renew it later, if it is time.

        Raises NameTakenError where another living process has it, or took it over meanwhile.
        """
        if not self._held:
            self._take(stop)
        elif self._clock() >= self._renew_at:
            other = self._beat("")
            if other:
                raise NameTakenError(f"{self._name} was taken over by {other[0]}")

    def _take(self, stop: Stop) -> None:
        """Wait, no longer than a heartbeat lasts, where nobody can know yet who lives."""
        locked = self._lock is not None or (self._place != "" and self._take_lock())
        replace, seen, left_ms = "", "", 0
        while not stop:
            held = self._beat(replace)
            if not held:
                self._held = True
                return
            other, now_left_ms = held
            if seen and (other != seen or now_left_ms > left_ms):
                raise NameTakenError(f"{self._name} is taken by a living process: {other}")
            seen, left_ms = other, now_left_ms
            if locked and _place_of(other) == self._place:
                replace = other
                continue
            stop.wait(LOOK_EVERY_S)

    def leave(self) -> None:
        """Give the name up at once."""
        scripting.run(self._client, "leave", [self._key], [self._value])

    def _beat(self, replace: str) -> list[Any]:
        answer: list[Any] = scripting.run(
            self._client, "beat", [self._key], [self._value, TTL_MS, replace]
        )
        self._renew_at = self._clock() + RENEW_EVERY_S
        return answer

    def _take_lock(self) -> bool:
        self._lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._lock.bind(f"\0quantum-{self._lock_name}")
        except OSError:
            self._lock.close()
            self._lock = None
            return False
        return True


def _place_of(value: str) -> str:
    try:
        found = json.loads(value)
    except ValueError:
        return ""
    return str(found.get("place", "")) if isinstance(found, dict) else ""
