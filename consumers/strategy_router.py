"""Make one trade.intent of each decision that was made, whatever dies on the way.

python -m consumers.strategy_router [--once | --check-config [ENV_FILE]]
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consumers.loop import running, settings
from consumers.loop.context import Context
from consumers.loop.failing import GroupMovedError, SpoiledKeyError
from consumers.loop.giving_up import give_up, settle_lost
from consumers.loop.parsing import name, number
from consumers.loop.reading import Entry, Place
from consumers.loop.settings import setting
from consumers.loop.sizing import Sizing
from streams import intents, routing, scripting
from streams.decision_made import SHARED, Decision, normalise, own_fields
from streams.outcomes import flat
from streams.trade_intent import Malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(settings.Settings):
    """What the router needs to know beside what every consumer does."""

    stream_decision_made: str = setting(routing.STREAM_DECISION_MADE, name)
    group_router: str = setting(routing.GROUP_ROUTER, name)
    stream_trade_intent: str = setting(intents.STREAM_TRADE_INTENT, name)
    stream_execution_result: str = setting(intents.STREAM_EXECUTION_RESULT, name)
    dedup_ttl_s: int = setting(str(routing.DEDUP_TTL_S), number(1, 31_536_000))
    #: most intents of one symbol in any window of so many seconds; 0 is no limit
    rate_limit_per_symbol: int = setting("0", number(0, 100_000))
    rate_limit_window_s: int = setting("60", number(1, 86_400))


def place(wanted: Settings) -> Place:
    """Return where it reads; several routers share a group, and each says how it stands."""
    return Place.at(
        wanted.stream_decision_made,
        wanted.group_router,
        wanted.consumer_name,
        routing.STATUS,
        f"{routing.STATUS}:{wanted.consumer_name}",
    )


class Router:
    """Routes in batches, each by one script."""

    def __init__(self, context: Context[Settings]) -> None:
        self._context, self._client, self._place = context, context.client, context.place
        self._limited = context.settings.rate_limit_per_symbol > 0
        self._sizing = Sizing(context.client, context.settings.batch_size)

    @property
    def size(self) -> int:
        """Return how much to read next, after what the last batches cost."""
        return self._sizing.size

    @property
    def own_size(self) -> int:
        """Return the same: no entry can fail twice, so no attempt needs to stand alone."""
        return self._sizing.size

    def take(self, entries: list[Entry]) -> None:
        """Route a batch; what cannot be read becomes a dead letter, what was trimmed is LOST."""
        lost = [entry_id for entry_id, fields in entries if fields is None]
        if lost:
            settle_lost(self._context, lost)
        decisions: list[tuple[str, Decision]] = []
        for entry_id, fields in entries:
            if fields is None:
                continue
            pairs = iter(fields)
            read = normalise(entry_id, dict(zip(pairs, pairs, strict=False)))
            if isinstance(read, Malformed):
                give_up(self._context, entry_id, read.reason)
                self._context.progress()
            else:
                decisions.append((entry_id, read))
        if decisions:
            self._route(decisions)

    def _route(self, decisions: list[tuple[str, Decision]]) -> None:
        words = self._words(decisions)
        self._context.failpoint("router.before_route")
        started = time.perf_counter()
        answer: list[Any] = scripting.run(self._client, "route", *words)
        took_s = time.perf_counter() - started
        self._context.failpoint("router.after_route")
        match answer:
            case ["ROUTED", verdicts]:
                self._tell(decisions, verdicts)
                self._context.metrics.took("route_script_seconds", took_s)
                self._sizing.took(len(decisions), took_s)
            case ["MOVED", how]:
                raise GroupMovedError(how)
            case ["GONE"]:
                raise GroupMovedError("gone while a batch was under way")
            case ["SPOILED", key, why]:
                raise SpoiledKeyError(f"{key}: {why}")
            case other:
                raise AssertionError(f"route.lua gave {other}")

    def _words(self, decisions: list[tuple[str, Decision]]) -> tuple[list[str], list[str | int]]:
        wanted, place = self._context.settings, self._place
        keys = [place.stream, place.status]
        keys += [wanted.stream_trade_intent, wanted.stream_execution_result]
        args: list[str | int] = [place.group, place.consumer, place.high_water, place.moved]
        args += [wanted.dedup_ttl_s, intents.RECORD_TTL_S, wanted.rate_limit_per_symbol]
        args += [1000 * wanted.rate_limit_window_s, len(decisions)]
        own = own_fields(decisions[0][1])
        args += [2 * len(SHARED), len(own), *flat(SHARED), *own]
        for entry_id, decision in decisions:
            keys += (routing.dedup(decision.identity), intents.record(decision.identity))
            args.append(entry_id)
            args += own_fields(decision).values()
        if self._limited:
            now_ms = self._context.now_ms()
            for entry_id, decision in decisions:
                keys.append(routing.published(decision.symbol))
                args.append(routing.refusal(decision, entry_id, place.consumer, now_ms))
        return keys, args

    def _tell(self, decisions: list[tuple[str, Decision]], verdicts: list[str]) -> None:
        context = self._context
        answers = iter(verdicts)
        for (entry_id, decision), verdict, of in zip(decisions, answers, answers, strict=True):
            match verdict:
                case "NEW":
                    continue
                case "DUPLICATE" | "ENDED":
                    context.log.info(
                        "DUPLICATE_SKIP", id=entry_id, intent_id=of, identity=decision.identity
                    )
                case "REJECTED":
                    context.log.warning(
                        "REJECTED: more intents of its symbol than the limit allows",
                        id=entry_id, result_id=of, identity=decision.identity,
                        symbol=decision.symbol, reason=routing.RATE_LIMIT,
                    )  # fmt: skip
                case "NOT_OURS":
                    context.log.info("settled before, or taken over", id=entry_id)
                case "SPOILED":
                    give_up(context, entry_id, f"spoiled_key:{of}")
        for verdict, count in Counter(verdicts[::2]).items():
            context.metrics.add("decisions_total", count, outcome=verdict.lower())

    def due_in_s(self) -> float:
        """Return that nothing is due by time."""
        return math.inf

    def tick(self, state: str) -> None:
        """Do nothing by time."""

    def held(self) -> str:
        """Return that nothing keeps it from reading."""
        return ""

    def about(self) -> Mapping[str, str | int]:
        """Return which limit holds."""
        wanted = self._context.settings
        limit = f"{wanted.rate_limit_per_symbol} in {wanted.rate_limit_window_s} s"
        return {"rate_limit": limit if self._limited else "none"}


CONSUMER = running.Consumer("strategy_router", Settings, place, Router)

if __name__ == "__main__":
    sys.exit(running.main(CONSUMER, sys.argv[1:], os.environ))
