"""Ask the exchange: each call is counted, timed, heard by the breaker, and shown as progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from consumers.exchanges import (
    ClockSkew,
    Exchange,
    ExchangeError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
)
from consumers.loop.context import Context
from consumers.loop.failing import TransientError
from consumers.trading.breaker import AS_NUMBER, CLOSED, OPEN, Breaker
from consumers.trading.settings import Settings

T = TypeVar("T")

OUTCOMES: dict[type[ExchangeError], str] = {
    Refused: "refused", OutcomeUnknown: "unknown", NotSent: "not_sent", Throttled: "throttled",
    ClockSkew: "clock_skew",
}  # fmt: skip


class NotAskedError(TransientError):
    """The circuit breaker is open: nothing was asked, so nothing happened."""


class Asker:
    """The way to one exchange."""

    def __init__(
        self,
        context: Context[Settings],
        exchange: Exchange,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        wanted = context.settings
        self.exchange = exchange
        self._context, self._clock = context, clock
        self._breaker = Breaker(wanted.breaker_failures, wanted.breaker_open_s)
        self._told = CLOSED
        context.metrics.set("breaker", AS_NUMBER[CLOSED])

    def ask(self, what: str, *words: Any, **more: Any) -> Any:
        """Call one of the exchange's methods. Raises ExchangeError, or NotAskedError."""
        if self.exchange.instant:
            return getattr(self.exchange, what)(*words, **more)
        if self._breaker.state(self._clock()) == OPEN:
            raise NotAskedError(self.held())
        context = self._context
        context.progress()
        started = self._clock()
        outcome = "answered"
        try:
            answer = getattr(self.exchange, what)(*words, **more)
        except ExchangeError as error:
            outcome = OUTCOMES.get(type(error), "unknown")
            self._hear(error, what)
            raise
        else:
            self._breaker.answered()
            return answer
        finally:
            context.metrics.add("exchange_calls_total", call=what, outcome=outcome)
            context.metrics.took("exchange_call_seconds", self._clock() - started, call=what)
            self._tell()
            context.progress()

    def _hear(self, error: ExchangeError, what: str) -> None:
        now_s = self._clock()
        if isinstance(error, Refused):
            self._breaker.answered()
        elif isinstance(error, Throttled):
            self._breaker.throttled(now_s, error.retry_after_s, f"throttled: {error}")
        else:
            self._breaker.failed(now_s, f"{type(error).__name__}: {error}")
        if not isinstance(error, Refused):
            self._context.log.warning(
                "the exchange failed", call=what, kind=type(error).__name__, cause=str(error)
            )

    def held(self) -> str:
        """Return why nothing may be asked now, "" where it may."""
        self._tell()
        left_s = self._breaker.left_s(self._clock())
        if not left_s:
            return ""
        return f"circuit breaker open for {self._breaker.cause}"

    def state(self) -> str:
        """Return the breaker's state."""
        return self._breaker.state(self._clock())

    def _tell(self) -> None:
        state = self.state()
        if state != self._told:
            self._context.log.warning("circuit breaker", state=state, cause=self._breaker.cause)
            self._context.metrics.set("breaker", AS_NUMBER[state])
        self._told = state
