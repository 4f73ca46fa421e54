"""One deploy at a time: a lock that names its holder, dies with its process, and can be fenced.

Each holder has a number. Whoever takes over from one that is past its time says so first, by a
file named after that number: from then on the holder refuses to write. Only when its process is
gone, which the kernel tells by the lock, does the next one begin.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping

from . import ending
from .boundaries import BOUNDARIES
from .failing import IN_DOUBT, AgentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "lock"
FENCED = "fenced-"
#: A look at the lock by somebody's `hello` is over sooner than this, in seconds.
PATIENCE_S = 2.0
#: A holder that is told to end has this long before it is killed, in seconds.
ENDS_WITHIN_S = 2.0
LOOK_EVERY_S = 0.05


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
        self._generation = 0

    def take(self, who: Mapping[str, Any], tx: str) -> None:
        """Take the lock and write who holds it; raises AgentError naming the other holder."""
        deadline = time.monotonic() + PATIENCE_S
        while (other := self._try(who, tx)) is not None:
            if time.monotonic() > deadline:
                raise _taken(other)
            time.sleep(LOOK_EVERY_S)

    def take_over(
        self, who: Mapping[str, Any], tx: str, stale: object, *, patience_s: float, within_s: float
    ) -> None:
        """Take the lock, if need be from the holder with the number `stale`.

        That one is fenced, told to end and then killed, and so is anybody who is still at `tx`
        after `patience_s`. All others are waited for. Raises AgentError after `within_s`.
        """
        began = time.monotonic()
        told: dict[object, float] = {}
        while (other := self._try(who, tx)) is not None:
            now = time.monotonic()
            if now - began > within_s:
                raise _taken(other)
            number = other.get("generation")
            if other.get("tx") == tx and (number == stale or now - began >= patience_s):
                self._fence(other)
                since = told.setdefault(number, now)
                if since == now:
                    ending.end(other, signal.SIGTERM)
                elif now - since > ENDS_WITHIN_S:
                    ending.end(other, signal.SIGKILL)
            time.sleep(LOOK_EVERY_S)

    def _try(self, who: Mapping[str, Any], tx: str) -> dict[str, Any] | None:
        """Return None when the lock is ours now, else who holds it."""
        if self._opened is not None:
            return None
        path = os.path.join(self._base, NAME)
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = _said(opened)
            os.close(opened)
            return other
        self._opened = opened
        self._generation = int(_said(opened).get("generation") or 0) + 1
        text = {
            "operator": who.get("operator", ""), "from": who.get("from", ""),
            "since_s": time.time(), "tx": tx, **ending.myself(), "generation": self._generation,
        }  # fmt: skip
        _write(opened, text)
        # whoever was fenced is gone, for the lock was free
        for name in os.listdir(self._base):
            if name.startswith(FENCED):
                os.unlink(os.path.join(self._base, name))
        BOUNDARIES.fence = self.check
        return None

    def _fence(self, other: Mapping[str, Any]) -> None:
        path = os.path.join(self._base, f"{FENCED}{other.get('generation')}")
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))

    def check(self) -> None:
        """Raise AgentError when somebody has taken over: nothing may be written any more."""
        if os.path.exists(os.path.join(self._base, f"{FENCED}{self._generation}")):
            raise AgentError(
                "fenced", "its time was over, and the host has put everything back by itself",
                step="lock", action="invoke plan: it says what stands on the host", state=IN_DOUBT,
            )  # fmt: skip

    def free(self) -> None:
        """Give the lock back."""
        if self._opened is not None:
            BOUNDARIES.unfenced()
            with contextlib.suppress(OSError):  # on a full disk the next one counts from the start
                _write(self._opened, {"generation": self._generation})
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


def _write(opened: int, text: Mapping[str, Any]) -> None:
    os.ftruncate(opened, 0)
    os.pwrite(opened, json.dumps(text).encode(), 0)


def _said(opened: int) -> dict[str, Any]:
    try:
        said = dict(json.loads(os.pread(opened, 65536, 0)))
    except ValueError:
        said = {}
    return {"operator": "somebody", "from": "", "since_s": None, "tx": "", **said}


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
