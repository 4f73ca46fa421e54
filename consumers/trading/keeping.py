"""Keep in Redis how protective orders stand: one process at a time, by a lease with an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from consumers.exchanges.paper import order_key
from consumers.loop.context import Context
from consumers.loop.failing import TransientError
from consumers.loop.writing import as_json
from consumers.trading.settings import Settings
from streams import intents, keys, outcomes, scripting
from streams.outcomes import flat

#: How long after its last sign of life a look may be taken over, in milliseconds: longer than a
#: call to the exchange takes. Nothing is placed twice even so, only asked for twice.
LEASE_MS = 20_000
#: How many are looked at in one go.
MOST = 20


@dataclass(frozen=True, slots=True)
class Watch:
    """An identity's record, as who watches its protective orders knows it."""

    of: dict[str, str]
    epoch: str


class Keeper:
    """Reads and writes the protective part of records."""

    def __init__(self, context: Context[Settings]) -> None:
        self._context, self._client = context, context.client

    def due(self) -> list[str]:
        """Return which identities are to be looked at now, the longest waiting first."""
        found: list[str] = self._client.zrangebyscore(
            intents.PROTECTED, "-inf", self._context.now_ms(), 0, MOST
        )
        return found

    def leased(self) -> list[str]:
        """Return which identities someone was looking at just now: perhaps we, before we died."""
        now_ms = self._context.now_ms()
        found: list[str] = self._client.zrangebyscore(
            intents.PROTECTED, f"({now_ms}", now_ms + LEASE_MS
        )
        return found

    def watch(self, identity: str) -> Watch | None:
        """Take the lease; None where another has it, or nothing is left to watch."""
        now_ms = self._context.now_ms()
        answer = scripting.run(
            self._client,
            "watch",
            [intents.record(identity), intents.PROTECTED],
            [identity, self._context.place.consumer, now_ms, now_ms + LEASE_MS],
        )
        if answer[0] != "WATCHED":
            return None
        pairs = iter(answer[2])
        return Watch(dict(zip(pairs, pairs, strict=True)), str(answer[1]))

    def write(self, watch: Watch, fields: Mapping[str, str], *, alert: str = "") -> None:
        """Write fields, in the record and in `watch`. Raises TransientError after the lease."""
        self._keep(watch, None, fields, alert=alert)
        watch.of.update(fields)

    def book(self, watch: Watch, order: list[Any]) -> None:
        """Write an order into paper's book."""
        self._keep(watch, None, {}, book=[[order_key(order[0]), order[1]]])

    def release(self, watch: Watch, next_ms: int) -> None:
        """Give the lease up until then."""
        self._keep(watch, next_ms, {})

    def over(self, watch: Watch) -> None:
        """Watch no more: the record's own time to live begins."""
        self._keep(watch, 0, {})

    def _keep(
        self,
        watch: Watch,
        next_ms: int | None,
        fields: Mapping[str, str],
        *,
        alert: str = "",
        book: list[list[Any]] | None = None,
    ) -> None:
        """Write; next_ms: when to look again, 0 for never, None to go on with this look."""
        of = watch.of
        until_ms = self._context.now_ms() + LEASE_MS if next_ms is None else 0
        said: dict[str, str] = {}
        if alert:
            said = outcomes.alert(of, "execution_unprotected", alert, self._context.now_ms())
        asked = {
            "identity": of["identity"],
            "epoch": watch.epoch,
            "fields": flat(fields),
            "alert": flat(said),
            "next_ms": str(until_ms or next_ms or ""),
            "until_ms": str(until_ms or ""),
            "ttl_s": intents.RECORD_TTL_S,
            "book": book or [],
        }
        names = [intents.record(of["identity"]), intents.PROTECTED]
        names += [intents.protected_of(of["symbol"]), keys.ALERTS]
        if not scripting.run(self._client, "keep", names, [as_json(asked)]):
            raise TransientError(f"another looks after {of['identity']} by now")

    def open_symbols(self) -> list[str]:
        """Return where the guard reckons with a position, or with something in flight."""
        found: set[str] = self._client.smembers(intents.OPEN_SYMBOLS)
        return sorted(found)

    def reckoned(self, symbol: str) -> str:
        """Return the position that the guard reckons with, in 1e-8 base units; "" for none."""
        return str(self._client.hget(intents.EXPOSURE, f"position:{symbol}") or "")

    def reconcile(self, symbol: str, before: str, position: Decimal) -> None:
        """Let the guard reckon with what the exchange shows; `before`: `reckoned` before asking."""
        theirs = str(outcomes.units(position))
        if (before or "0") == theirs:
            return
        keys = [intents.EXPOSURE, intents.OPEN_SYMBOLS]
        if scripting.run(self._client, "reconcile", keys, [symbol, before, theirs]):
            self._context.log.warning(
                "the exchange holds another position than was reckoned with", symbol=symbol,
                reckoned=before, held=theirs, in_units_of="1e-8",
            )  # fmt: skip
