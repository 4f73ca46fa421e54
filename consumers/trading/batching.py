"""Settle many intents by one script, where no exchange has to be waited for.

Nothing leaves for paper: its fill is the script itself, which also asks the risk guard. While the
server settles one batch the next is read and prepared, and the one before is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from consumers.exchanges import Exchange, ExchangeError
from consumers.loop.context import Context
from consumers.trading import recording
from consumers.trading.deciding import ending
from consumers.trading.describing import with_order
from consumers.trading.ending import Ender
from consumers.trading.preparing import Preparer, Ready
from consumers.trading.recording import End, Records, Words
from consumers.trading.sending import Sender
from consumers.trading.settings import Settings
from streams import intents
from streams.outcomes import Outcome
from streams.trade_intent import TradeIntent

#: What one script may take of the server's time, in seconds: others wait as long for theirs.
SCRIPT_S = 0.002
#: No batch grows smaller, or the way there and back is all that is left.
FEWEST, MOST = 40, 200
#: One of so many batches is timed, with nothing done beside it.
TIMED = 64

#: An intent that was read, with its record as it begins.
Read = tuple[TradeIntent, dict[str, str]]


@dataclass(slots=True)
class Batch:
    """Intents that end together."""

    reads: list[Read]
    ends: list[End]
    words: Words
    answers: list[list[str]] = field(default_factory=list)


class Batches:
    """Settles batches for one process; `exchange` is None where nothing trades."""

    def __init__(
        self,
        context: Context[Settings],
        records: Records,
        ender: Ender,
        exchange: Exchange | None,
        preparer: Preparer | None,
        ends_without: Callable[[Read], Outcome | None],
    ) -> None:
        self._context, self._records, self._ender = context, records, ender
        self._exchange, self._preparer = exchange, preparer
        self._ends_without = ends_without
        self._sender = Sender(context.client)
        self._many, self._count = FEWEST, 0

    def take(self, reads: Iterator[Read]) -> Iterator[Read]:
        """Settle `reads`, as they come, and yield those that have to go one by one."""
        before: Batch | None = None
        batch = self._next(reads)
        try:
            while batch.reads:
                self._context.failpoint("execution.before_finish")
                timed = self._send(batch)
                self._tell(before)
                before = None
                following = None if timed else self._next(reads)
                if not timed:
                    batch.answers = self._records.finished(self._sender.hear())
                self._context.failpoint("execution.after_finish")
                before = batch
                self._context.progress()
                yield from self._alone(batch)
                batch = following or self._next(reads)
        except BaseException:
            self._sender.drop()
            raise
        finally:
            self._tell(before)

    def _next(self, reads: Iterator[Read]) -> Batch:
        """Return the next batch, ready to be sent; empty where nothing comes any more."""
        taken = list(islice(reads, self._many))
        ends = [self._end(read) for read in taken]
        return Batch(taken, ends, self._records.finish_words(ends))

    def _end(self, read: Read) -> End:
        """Return how an intent ends, if the guard lets it."""
        intent, of = read
        outcome = self._ends_without(read)
        if outcome is not None:
            return End(of, "", outcome)
        assert self._preparer is not None
        assert self._exchange is not None
        try:
            ready = self._preparer.prepare(intent)
            if isinstance(ready, Outcome):
                return End(of, "", ready)
            return self._placed(of, ready, self._exchange)
        except ExchangeError as error:
            return End(of, "", Outcome(intents.REJECTED, f"paper: {error}"))

    def _placed(self, of: dict[str, str], ready: Ready, exchange: Exchange) -> End:
        """Place an order on paper: the answer follows from the order alone."""
        outcome = ending(exchange.place(ready.order))
        assert outcome is not None
        order = ready.order
        return self._ender.ended(with_order(of, order), "", outcome, order, ready.believed)

    def _send(self, batch: Batch) -> bool:
        """Send what settles the batch; tell whether it was heard at once, to be timed."""
        started = time.perf_counter()
        self._sender.send(*batch.words)
        self._count += 1
        if self._count % TIMED != 1:
            return False
        batch.answers = self._records.finished(self._sender.hear())
        done, took_s = len(batch.ends), time.perf_counter() - started
        if done >= FEWEST:
            affordable = int(done * SCRIPT_S / max(took_s, 1e-6))
            self._many = min(MOST, max(FEWEST, (self._many + affordable) // 2))
        return True

    def _tell(self, batch: Batch | None) -> None:
        if batch is not None:
            self._ender.tell(batch.ends, batch.answers)

    def _alone(self, batch: Batch) -> list[Read]:
        """Return what has a record already, or may not pass: they go the long way."""
        return [
            read
            for read, answer in zip(batch.reads, batch.answers, strict=True)
            if answer[0] in (recording.STANDS, recording.REFUSED)
        ]
