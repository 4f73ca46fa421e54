"""Execute trade intents, each once in effect; drain them all unless trading is switched on.

python -m consumers.execution [--once | --check-config [ENV_FILE]]
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping

from consumers.exchanges import Exchange, ExchangeError
from consumers.loop import running
from consumers.loop.context import Context
from consumers.loop.reading import Entry, Place
from consumers.trading import standing
from consumers.trading.asking import Asker, NotAskedError
from consumers.trading.ending import Ender
from consumers.trading.keeping import Keeper
from consumers.trading.machine import Machine
from consumers.trading.protecting import Protector
from consumers.trading.recording import Records
from consumers.trading.settings import Settings
from consumers.trading.skipping import Skipper
from consumers.trading.taking import Taker
from streams import intents

#: Where QUANTUM_FAILPOINTS can break it.
FAILPOINTS = (
    "execution.after_claim", "execution.before_begin", "execution.after_begin",
    "execution.before_submit", "execution.after_submit", "execution.before_finish",
    "execution.after_finish", "execution.before_protect", "execution.after_protect",
    "execution.before_skip", "execution.after_skip",
)  # fmt: skip

#: How often one looks which protective orders are due, in seconds.
LOOK_EVERY_S = 1.0
#: How often the guard's positions are compared with the exchange's, in seconds.
COMPARE_EVERY_S = 60.0


def place(wanted: Settings) -> Place:
    """Return where it reads."""
    name = wanted.consumer_name
    return Place.at(wanted.stream_trade_intent, wanted.group_execution, name, intents.STATUS,
                    intents.standing(name))  # fmt: skip


class Execution:
    """Settles intents, and looks after what protects the positions they made."""

    def __init__(
        self,
        context: Context[Settings],
        exchange: Exchange | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        wanted = context.settings
        self._context, self._clock = context, clock
        self._asker: Asker | None = None
        machine = None
        if not wanted.shut:
            self._asker = Asker(context, exchange or wanted.opened(context.client), clock)
        opened = self._asker.exchange if self._asker else None
        records = Records(context, paper=opened is not None and opened.instant)
        self._keeper = Keeper(context)
        self._protector: Protector | None = None
        ender = Ender(context, records, opened, self._look)
        if self._asker:
            self._protector = Protector(context, self._asker, self._keeper)
            machine = Machine(context, self._asker, records, ender)
        self._taker = Taker(context, records, ender, self._asker, machine)
        self._skipper = Skipper(context)
        self._look_at, self._compare_at = 0.0, 0.0
        self._interrupted = True
        context.log.warning("trading", **standing.trading(wanted), **standing.limits(wanted))

    @property
    def size(self) -> int:
        """Return how many new entries to read at once: one, where an exchange is waited for."""
        return self._taker.size

    @property
    def own_size(self) -> int:
        """Return 1: a delivery is an attempt, and counts against one intent alone."""
        return 1

    def take(self, entries: list[Entry]) -> None:
        """Settle entries."""
        self._taker.take(entries)

    def due_in_s(self) -> float:
        """Return how long until protective orders are looked at, in seconds."""
        return max(0.0, self._look_at - self._clock()) if self._protector else math.inf

    def tick(self, state: str) -> None:
        """Look after the protective orders that are due."""
        if self._protector is None or state != "running":
            return
        due = self._keeper.due()
        if self._interrupted:
            # what we had in hand when we, or the link, broke is nobody else's yet
            due += self._keeper.leased()
        self._interrupted = False
        self._look_at = self._clock() + LOOK_EVERY_S
        for identity in due:
            if self.held() or self._context.stop:
                self._interrupted = True
                return
            self._look(identity)
        if self._clock() >= self._compare_at:
            self._compare_at = self._clock() + COMPARE_EVERY_S
            self._compare(self._protector)

    def _compare(self, protector: Protector) -> None:
        """Let the guard learn what others did to our positions: people, stops, liquidations."""
        try:
            for symbol in self._keeper.open_symbols():
                protector.position(symbol)
        except (ExchangeError, NotAskedError) as error:
            self._context.log.warning("positions not compared", cause=str(error))

    def _look(self, identity: str) -> None:
        if self._protector is not None:
            # what was interrupted before is not seen to yet
            before, self._interrupted = self._interrupted, True
            self._protector.look(identity)
            self._interrupted = before

    def held(self) -> str:
        """Return why nothing may be read now: an open circuit breaker, or START_AT=new."""
        return (self._asker.held() if self._asker else "") or self._skipper.waiting()

    def about(self) -> Mapping[str, str | int]:
        """Return whether it trades, and how the circuit breaker stands."""
        breaker = {"breaker": self._asker.state()} if self._asker else {}
        return {**standing.trading(self._context.settings), **breaker}


CONSUMER = running.Consumer("execution", Settings, place, Execution)

if __name__ == "__main__":
    sys.exit(running.main(CONSUMER, sys.argv[1:], os.environ))
