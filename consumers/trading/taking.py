"""Take entries: read each, see what is known of it, and hand it to what settles it.

Where no exchange has to be waited for (paper, or nothing trades) many intents share a script; else,
and wherever something is out of the ordinary, they go one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

from redis.exceptions import RedisError

from consumers.exchanges import Exchange
from consumers.loop.context import Context
from consumers.loop.failing import (
    GroupMovedError,
    SpoiledKeyError,
    StartError,
    TransientError,
)
from consumers.loop.giving_up import give_up, settle_lost
from consumers.loop.reading import Entry
from consumers.trading import recording
from consumers.trading.asking import Asker
from consumers.trading.batching import Batches, Read
from consumers.trading.deciding import without_exchange
from consumers.trading.describing import described
from consumers.trading.ending import Ender
from consumers.trading.machine import Machine
from consumers.trading.preparing import Preparer
from consumers.trading.recording import Began, Records, Step
from consumers.trading.settings import Settings
from streams import intents
from streams.outcomes import Outcome
from streams.trade_intent import Malformed, normalise

#: The loop knows what to do after these; everything else counts as an attempt that failed.
OF_THE_LOOP = (RedisError, StartError, GroupMovedError, SpoiledKeyError, TransientError)


class Taker:
    """Takes entries; `asker` and `machine` are None where nothing trades."""

    def __init__(
        self,
        context: Context[Settings],
        records: Records,
        ender: Ender,
        asker: Asker | None,
        machine: Machine | None,
    ) -> None:
        self._context, self._records, self._ender = context, records, ender
        self._machine = machine
        self._exchange: Exchange | None = asker.exchange if asker else None
        self._shut = context.settings.shut
        self._max_age_ms = 1000 * context.settings.intent_max_age_s
        self._batches: Batches | None = None
        if self._exchange is None or self._exchange.instant:
            preparer = Preparer(context.client, asker) if asker else None
            self._batches = Batches(
                context, records, ender, self._exchange, preparer, self._ends_without
            )

    @property
    def size(self) -> int:
        """Return how many new entries to read at once: one, where an exchange is waited for."""
        return self._context.settings.batch_size if self._batches else 1

    def take(self, entries: list[Entry]) -> None:
        """Settle entries, in their order."""
        reads = self._read(entries)
        if self._batches is None:
            for read in reads:
                self._alone(read)
            return
        following: list[Read] = []
        while True:
            for read in self._batches.take(self._until_one_reduces(reads, following)):
                self._alone(read)
            if not following:
                return
            self._alone(following.pop())

    def _until_one_reduces(self, reads: Iterator[Read], following: list[Read]) -> Iterator[Read]:
        """Yield reads up to one that only reduces, which is put into `following`.

        What it may reduce depends on all that came before it.
        """
        for read in reads:
            if self._exchange is not None and read[0].reduce_only:
                following.append(read)
                return
            yield read

    def _read(self, entries: list[Entry]) -> Iterator[Read]:
        """Yield each intent with its record as it begins; what is none is settled here."""
        for entry_id, fields in entries:
            if fields is None:
                settle_lost(self._context, [entry_id])
                continue
            pairs = iter(fields)
            intent = normalise(entry_id, dict(zip(pairs, pairs, strict=False)))
            if isinstance(intent, Malformed):
                give_up(self._context, entry_id, intent.reason)
            else:
                yield intent, described(intent, entry_id)

    def _ends_without(self, read: Read) -> Outcome | None:
        intent, of = read
        return without_exchange(
            intent, of["stream_id"], self._context.now_ms(),
            max_age_ms=self._max_age_ms, shut=self._shut,
        )  # fmt: skip

    def _alone(self, read: Read) -> None:
        """Claim one intent and settle it."""
        try:
            self._claimed(read)
        except OF_THE_LOOP:
            raise
        except Exception as error:  # noqa: BLE001
            # a mistake of ours is no reason to lose an intent, nor to try it for ever
            self._again(read, error)

    def _claimed(self, read: Read) -> None:
        intent, of = read
        began = self._records.begin([Step(recording.CLAIMED, of)])[0]
        self._context.failpoint("execution.after_claim")
        if began.word == recording.UNDER_WAY:
            self._found_under_way(began)
        elif began.word != recording.CLAIMED:
            self._say(of, began)
        elif (outcome := self._ends_without(read)) is not None:
            self._ender.end(of, began.epoch, outcome)
        else:
            assert self._machine is not None
            self._machine.fresh(intent, of, began)

    def _found_under_way(self, began: Began) -> None:
        if self._machine is not None:
            self._machine.taken_over(began)
            return
        # nothing trades here, so the exchange may not even be asked
        surely_not = began.of.get("deadline_ms") in ("", "0", None)
        why = "safe_drain: " + ", ".join(self._shut)
        outcome = (
            Outcome(intents.DRAINED, why)
            if surely_not
            else Outcome(intents.UNKNOWN, f"was_under_way: {why}")
        )
        self._ender.end(began.of, began.epoch, outcome)

    def _say(self, of: dict[str, str], began: Began) -> None:
        words = {"id": of["stream_id"], "identity": of["identity"]}
        if began.word == recording.DUPLICATE:
            self._context.metrics.add("duplicates_total")
            self._context.log.info(
                "DUPLICATE_SKIP", first_id=began.of["stream_id"], state=began.of["state"], **words
            )
        else:
            self._context.log.info("settled before, or taken over", found=began.word, **words)

    def _again(self, read: Read, error: Exception) -> None:
        """Leave an intent pending after a mistake of ours; end it where that goes on."""
        _, of = read
        cause = f"{type(error).__name__}: {error}"
        deliveries = self._context.again(of["stream_id"])
        if deliveries < self._context.settings.max_deliveries:
            raise TransientError(f"{of['stream_id']}: {cause}") from error
        began = self._records.begin([Step(recording.CLAIMED, of)])[0]
        if began.word == recording.UNDER_WAY:
            outcome = Outcome(intents.UNKNOWN, f"gave_up: tried {deliveries} times: {cause}")
            self._ender.end(began.of, began.epoch, outcome)
        elif began.word == recording.CLAIMED:
            outcome = Outcome(intents.FAILED, f"gave_up: tried {deliveries} times: {cause}")
            self._ender.end(of, began.epoch, outcome)
