"""Keep the key that says this consumer lives, and let no second process go by its name.

A name is free once its heartbeat has run out. That takes ten seconds after a kill -9, too long for
a restart on the same host, so a process also holds a lock that the kernel drops with it: an
abstract socket, which needs no file, no /proc and no privilege, and so works in a hardened unit.
Who holds the lock of the very place that a heartbeat names knows that its process is dead.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import threading
import time
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from consumers.loop.failing import NameTakenError
from consumers.loop.reading import Place
from consumers.loop.settings import Settings
from consumers.loop.stopping import Stop
from streams import keys, scripting

TTL_MS = keys.HEARTBEAT_TTL_S * 1000
#: A living process renews so often, in seconds.
RENEW_EVERY_S = 2.0
#: How often one looks whether another's heartbeat is renewed, in seconds.
LOOK_EVERY_S = 0.25


def here() -> str:
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

    def __init__(self, client: Any, place: Place, settings: Settings) -> None:
        self._client, self._name = client, place.consumer
        self._key = keys.heartbeat(place.group, place.consumer)
        self._place = here()
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
        self._taken_by = ""
        self._over = threading.Event()
        self._renewing: threading.Thread | None = None

    def hold(self, stop: Stop) -> None:
        """Take the name the first time, and see later that it is still ours.

        Raises NameTakenError where another living process has it, or took it over meanwhile.
        """
        if self._renewing is None:
            self._take(stop)
        elif self._taken_by:
            raise NameTakenError(f"{self._name} was taken over by {self._taken_by}")

    def _renew(self) -> None:
        """Renew for as long as the process lives: work may take long, and slow is not dead.

        A process that hangs is seen by the watchdog, which only its progress feeds.
        """
        while not self._over.wait(RENEW_EVERY_S):
            with contextlib.suppress(RedisError):  # the next one, or none, if Redis is gone
                if other := self._beat(""):
                    self._taken_by = other[0]
                    return

    def _take(self, stop: Stop) -> None:
        """Wait, no longer than a heartbeat lasts, where nobody can know yet who lives."""
        locked = self._lock is not None or (self._place != "" and self._take_lock())
        replace, seen, left_ms = "", "", 0
        while not stop:
            held = self._beat(replace)
            if not held:
                self._renewing = threading.Thread(target=self._renew, daemon=True)
                self._renewing.start()
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
        self._over.set()
        if self._renewing is not None:
            self._renewing.join()  # a late renewal would bring the name back
        scripting.run(self._client, "leave", [self._key], [self._value])

    def _beat(self, replace: str) -> list[Any]:
        answer: list[Any] = scripting.run(
            self._client, "beat", [self._key], [self._value, TTL_MS, replace]
        )
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
