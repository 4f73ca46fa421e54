"""Handle entries one by one, each exactly once.

A function says what an entry shall do to Redis; a script does it, together with the
acknowledgement, or does nothing.

This is all that most new consumers need (docs/new-consumer.md). The handler decides and writes
nothing; whatever dies between its answer and the script, the entry is pending and comes again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from redis.exceptions import RedisError

from consumers.loop.context import Context
from consumers.loop.failing import (
    GroupMovedError,
    PoisonError,
    SpoiledKeyError,
    StartError,
    TransientError,
)
from consumers.loop.giving_up import give_up, settle_lost
from consumers.loop.reading import Entry
from consumers.loop.settings import Settings
from streams import scripting

S = TypeVar("S", bound=Settings)


class Message(NamedTuple):
    """An entry as a handler sees it."""

    id: str
    fields: dict[str, str]


class Write(NamedTuple):
    """One effect: a command, its key and its further words, as Redis takes them.

    Commands: XADD, HSET, HINCRBY, ZINCRBY, ZADD, SADD, SET, INCRBY, EXPIRE, DEL.
    """

    command: str
    key: str
    words: tuple[str | int | float, ...] = ()


#: Says what an entry does. May raise PoisonError (a dead letter at once); after anything else it
#: is tried again, with pauses, and a dead letter after MAX_DELIVERIES.
Handler = Callable[[Message, Context[S]], Iterable[Write]]


class Each:
    """A consumer's work: its handler, entry by entry, in the stream's order."""

    def __init__(self, context: Context[S], handle: Handler[S]) -> None:
        self._context, self._handle = context, handle
        self.size = context.settings.batch_size
        #: one by one, so that a delivery is an attempt and counts against one entry alone
        self.own_size = 1

    def take(self, entries: list[Entry]) -> None:
        """Settle each entry; raises TransientError at the first that shall be tried again."""
        # own pending comes alone: what was delivered too often is not even tried, since it may be
        # what killed this process
        worn = len(entries) == 1 and self._worn_out(entries[0][0])
        for entry_id, fields in entries:
            if fields is None:
                settle_lost(self._context, [entry_id])
            elif worn:
                give_up(self._context, entry_id, f"tried {worn} times: never came to an end")
            else:
                pairs = iter(fields)
                self._one(Message(entry_id, dict(zip(pairs, pairs, strict=False))))
            self._context.progress()

    def _one(self, message: Message) -> None:
        context = self._context
        try:
            writes = list(self._handle(message, context))
        except PoisonError as error:
            give_up(context, message.id, str(error))
            return
        except (RedisError, StartError):
            raise
        except Exception as error:  # noqa: BLE001
            # a handler's own mistake is no reason to lose the entry, nor to try it for ever
            self._again(message, error)
            return
        context.failpoint("handler.before_settle")
        self._settle(message, writes)
        context.failpoint("handler.after_settle")

    def _worn_out(self, entry_id: str) -> int:
        """Return how often an entry was tried where that is too often, 0 where it is not."""
        before = self._context.again(entry_id) - 1
        return before if before >= self._context.settings.max_deliveries else 0

    def _again(self, message: Message, error: Exception) -> None:
        cause = (
            str(error) if isinstance(error, TransientError) else f"{type(error).__name__}: {error}"
        )
        deliveries = self._context.again(message.id)
        if deliveries >= self._context.settings.max_deliveries:
            give_up(self._context, message.id, f"tried {deliveries} times: {cause}")
            return
        raise TransientError(f"{message.id}: {cause}") from error

    def _settle(self, message: Message, writes: list[Write]) -> None:
        place = self._context.place
        words: list[str | int] = [place.group, place.consumer, place.high_water, place.moved]
        words.append(message.id)
        for write in writes:
            words += [write.command, len(write.words), *map(str, write.words)]
        answer: list[Any] = scripting.run(
            self._context.client,
            "settle",
            [place.stream, place.status, *(write.key for write in writes)],
            words,
        )
        match answer:
            case ["SETTLED", _]:
                self._context.metrics.add("settled_total")
            case ["NOT_OURS"]:
                self._context.log.info("settled before, or taken over", id=message.id)
            case ["MOVED", how]:
                raise GroupMovedError(how)
            case ["GONE"]:
                raise GroupMovedError("gone while an entry was under way")
            case ["SPOILED", key, why]:
                raise SpoiledKeyError(f"{key}: {why}")

    def due_in_s(self) -> float:
        """Return that nothing is due by time."""
        return math.inf

    def tick(self, state: str) -> None:
        """Do nothing by time."""

    def held(self) -> str:
        """Return that nothing keeps it from reading."""
        return ""

    def about(self) -> Mapping[str, str | int]:
        """Return nothing beside the loop's own words."""
        return {}
