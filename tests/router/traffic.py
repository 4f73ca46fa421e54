"""Make decisions of every shape, each with what it must be known by, the same for a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

Fields = dict[str, str]

#: Stands before the name of a decision without ids.
DIGEST = "digest of "
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "API3USDT", "1000PEPEUSDT")
#: An entry that is no decision, and why; each is its payload and its timestamp.
MALFORMED = (
    ("{cut short", "1770135150"),
    ("{}", "1770135150"),
    ('{"symbol": "BTCUSDT", "side": "hold", "quantity": 200}', "1770135150"),
    ('{"symbol": "BTCUSDT", "side": "buy", "action": "SELL", "quantity": 200}', "1770135150"),
    ('{"symbol": "BTCUSDT", "side": "buy", "quantity": NaN}', "1770135150"),
    ('{"symbol": "BTCUSDT", "side": "close", "quantity": 200}', "1770135150"),
    ('{"symbol": "BTCUSDT", "side": "buy", "quantity": 200}', "NaN"),
)


class Made(NamedTuple):
    """An entry, and what it must be known by; None where it is no decision.

    The identity is said by what the maker put in, not by a reading of the fields; DIGEST and a
    name of its own stand for what has no id.
    """

    fields: Fields
    identity: str | None


def decisions(
    seed: int, count: int, start_ms: int, *, again: float = 0.1, odd: float = 0.02
) -> Iterator[Made]:
    """Yield `count` entries made in the minute before `start_ms`.

    A share of `again` repeats an earlier decision, as a producer that retries does; a share of
    `odd` is none at all.
    """
    chance = random.Random(seed)
    earlier: list[Made] = []
    for number in range(count):
        if earlier and chance.random() < again:
            yield chance.choice(earlier)
        elif chance.random() < odd:
            yield _malformed(chance, number)
        else:
            made = _decided(chance, f"{seed}-{number}", start_ms - chance.randrange(60_000))
            earlier.append(made)
            yield made


def _malformed(chance: random.Random, number: int) -> Made:
    payload, at = chance.choice(MALFORMED)
    return Made({"payload": payload, "timestamp": at, "trace_id": f"odd-{number}"}, None)


def _decided(chance: random.Random, name: str, at_ms: int) -> Made:
    symbol = chance.choice(SYMBOLS)
    side = chance.choice(("buy", "sell", "BUY", "Sell", "long", "SHORT"))
    price = round(chance.uniform(0.5, 90_000), 4)
    rises = side.lower() in ("buy", "long")
    dollars = round(chance.uniform(20, 2_000), 2)
    payload: dict[str, Any] = {
        "symbol": chance.choice((symbol, symbol.lower())),
        "side": side,
        "confidence": round(chance.random(), 4),
        "entry_price": price,
        "quantity": dollars,
        "leverage": chance.randrange(1, 21),
        "stop_loss": round(price * (0.98 if rises else 1.02), 6),
        "take_profit": round(price * (1.04 if rises else 0.96), 6),
        "model": "ensemble",
        "regime": chance.choice(("trend", "range")),
        "position_size_usd": dollars,
        "nonce": name,
    }
    trace, correlation = chance.choices(
        (("", f"c-{name}"), (f"t-{name}", f"c-{name}"), (f"t-{name}", ""), ("  ", "")),
        weights=(50, 30, 15, 5),
    )[0]
    identity = f"{DIGEST}{name}"
    if trace.strip():
        identity = trace
    elif correlation:
        identity = f"{correlation}|{symbol}|{'BUY' if rises else 'SELL'}"
    envelope = {
        "event_type": "ai.decision.made",
        "trace_id": trace,
        "correlation_id": correlation,
        "timestamp": _time(chance, at_ms),
        "source": "ai_engine",
    }
    return Made(_wrapped(chance, envelope, payload), identity)


def _wrapped(chance: random.Random, envelope: Fields, payload: dict[str, Any]) -> Fields:
    way = chance.choices(("payload", "twice", "data", "flat"), weights=(80, 5, 5, 10))[0]
    if way == "payload":
        return {**envelope, "payload": json.dumps(payload)}
    if way == "twice":
        return {"payload": json.dumps({**envelope, "payload": payload})}
    if way == "data":
        return {"data": json.dumps({**envelope, **payload})}
    return {**envelope, **{name: str(value) for name, value in payload.items()}}


def _time(chance: random.Random, at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    ways = (
        moment.replace(tzinfo=None).isoformat(),
        moment.isoformat(),
        moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        f"{at_ms / 1000:.3f}",
        str(at_ms),
    )
    return chance.choices(ways, weights=(70, 10, 5, 10, 5))[0]
