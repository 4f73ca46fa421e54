"""One deploy at a time: a lock that names its holder and dies with its process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from .failing import AgentError

NAME = "lock"
#: A look at the lock by somebody's `hello` is over sooner than this, in seconds.
PATIENCE_S = 2.0


def holder(base: str) -> dict[str, Any] | None:
    """Return who holds the lock, None when nobody does; writes nothing."""
    try:
        opened = os.open(os.path.join(base, NAME), os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _said(opened)
    else:
        return None
    finally:
        os.close(opened)


class Lock:
    """The lock, held by this process from `take` until `free` or its death."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._opened: int | None = None

    def take(self, who: Mapping[str, Any], tx: str) -> None:
        """Take the lock and write who holds it; raises AgentError naming the other holder."""
        if self._opened is not None:
            return
        path = os.path.join(self._base, NAME)
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    other = _said(opened)
                    os.close(opened)
                    raise _taken(other) from None
                time.sleep(0.05)
        self._opened = opened
        text = {
            "operator": who.get("operator", ""), "from": who.get("from", ""),
            "since_s": time.time(), "tx": tx, "pid": os.getpid(),
        }  # fmt: skip
        os.ftruncate(opened, 0)
        os.pwrite(opened, json.dumps(text).encode(), 0)

    def free(self) -> None:
        """Give the lock back."""
        if self._opened is not None:
            os.ftruncate(self._opened, 0)
            os.close(self._opened)
            self._opened = None

    @contextlib.contextmanager
    def held(self, who: Mapping[str, Any], tx: str) -> Iterator[None]:
        """Hold the lock for a block, unless it was held before."""
        before = self._opened is not None
        self.take(who, tx)
        try:
            yield
        finally:
            if not before:
                self.free()


def _said(opened: int) -> dict[str, Any]:
    try:
        return dict(json.loads(os.pread(opened, 65536, 0)))
    except ValueError:
        return {"operator": "somebody", "from": "", "since_s": None, "tx": ""}


def _taken(other: Mapping[str, Any]) -> AgentError:
    since = other.get("since_s")
    when = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(since)) if since else "just now"
    return AgentError(
        "locked",
        f"{other.get('operator')} holds this host since {when} from {other.get('from') or '?'}"
        f" with the transaction {other.get('tx') or '?'}",
        step="lock",
        action="wait for it to end; a holder that dies frees the lock by itself",
    )
