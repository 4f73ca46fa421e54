"""A client of Redis that is made anew after it broke; what is broken on purpose breaks it, too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis

from harness.errors import QuantumError, UnreachableError

T = TypeVar("T")

LOOK_AGAIN_S = 0.2


class Line:
    """One thread's connection to Redis."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._client: Any = None

    def ask(self, question: Callable[[Any], T]) -> T:
        """Return what Redis answers; raises redis.RedisError, or UnreachableError before a word.

        After the first kind nobody knows whether it was done, unless Redis itself said no.
        """
        if self._client is None:
            try:
                self._client = self._connect()
            except (QuantumError, OSError) as error:
                raise UnreachableError(str(error), step="talking to Redis") from error
        try:
            return question(self._client)
        except redis.ResponseError:
            raise
        except (redis.RedisError, OSError, QuantumError) as error:
            self.hang_up()
            raise redis.ConnectionError(str(error)) from error

    def insist(self, question: Callable[[Any], T], within_s: float, step: str) -> T:
        """Return what Redis answers, asked again for a while: only for what may be done twice."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                return self.ask(question)
            except (redis.RedisError, UnreachableError) as error:
                if time.monotonic() > deadline:
                    raise UnreachableError(
                        f"no answer from Redis within {within_s:.0f} s: {error}", step=step,
                        action="invoke faults.heal, then invoke faults.resume",
                    ) from error  # fmt: skip
                time.sleep(LOOK_AGAIN_S)

    def hang_up(self) -> None:
        """Close the connection; the next question opens another one."""
        client, self._client = self._client, None
        if client is not None:
            threading.Thread(target=client.close, daemon=True).start()
