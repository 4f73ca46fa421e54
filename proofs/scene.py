"""What a proof may look at: one host, its agent's testimony, its Redis, the clock."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.host import Host

T = TypeVar("T")

#: How long to wait between two looks, in seconds; small against every deadline here.
LOOK_AGAIN_S = 0.1


@dataclass(frozen=True, slots=True)
class Flow:
    """Which service is looked at, and the stream that it reads by which group."""

    service: str = ""
    stream: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything is passed in, so that a test can set any scene.

    `attest` is proofs.attesting.attest bound to a session; `redis` a connected redis.Redis, which
    may answer in bytes or text; `git` holds commit (text or None) and dirty (bool) of the project.
    """

    host: Host
    attest: Callable[[], Mapping[str, Any]]
    redis: Any
    git: Mapping[str, object]
    deadline_s: float = 60.0
    #: How long a claim about change over time looks, at least; seconds.
    window_s: float = 3.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    token: Callable[[], str] = lambda: secrets.token_hex(6)
    #: what a claim about a stream is about; its roles know the names
    flow: Flow = Flow()
    #: the agent itself, for a claim that asks it for more than its testimony
    session: Any = None

    @property
    def stream(self) -> str:
        """Return the name of the stream; raises ValueError where the scene has none."""
        return self._named(self.flow.stream)

    @property
    def group(self) -> str:
        """Return the name of its group; raises ValueError where the scene has none."""
        return self._named(self.flow.group)

    def _named(self, name: str) -> str:
        if not name:
            raise ValueError(f"no stream of {self.flow.service or self.host.name} is looked at")
        return name

    def until(self, look: Callable[[], T | None], within_s: float) -> T | None:
        """Return the first answer of `look` that is not None, or None after `within_s` seconds."""
        deadline = self.clock() + within_s
        while True:
            answer = look()
            if answer is not None or self.clock() >= deadline:
                return answer
            self.sleep(LOOK_AGAIN_S)
