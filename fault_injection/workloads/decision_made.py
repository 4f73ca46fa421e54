"""Make ai.decision.made traffic of every shape that really occurs, the same for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

Fields = dict[str, str]
#: Puts what was decided into an entry, with the ids and the time of its envelope.
Wrapper = Callable[[dict[str, Any], Fields], Fields]

#: symbol -> about its price, in USD
PRICES = {
    "BTCUSDT": 67_000.0, "ETHUSDT": 3_400.0, "SOLUSDT": 150.0, "XRPUSDT": 0.52,
    "API3USDT": 2.1, "1000PEPEUSDT": 0.011,
}  # fmt: skip
MODELS, REGIMES = ("xgb_v3", "lgbm_v7", "ensemble"), ("trend", "range", "volatile")
#: What a decision without an id has in its place; any of them as a key would stop all that follow.
NO_IDS = ("", "", "", "null", "None", "00000000-0000-0000-0000-000000000000")
#: What is wrong with a payload that cannot be read, and the entry becomes a dead letter.
BROKEN = ("cut short", "no symbol", "no side", "no size", "no time", "close without reduce-only")

#: Shares of all decisions.
REPEATED, NAMELESS, POISONED, STALE, CLOSING = 0.08, 0.06, 0.02, 0.01, 0.08
#: A repetition comes within so many decisions after its original.
REPEATED_WITHIN = 50
#: How old a stale decision is: no executor takes one of an hour, in milliseconds.
STALE_MS = 3_600_000
#: The decisions of one run are spread over so long before its start, in milliseconds.
SPAN_MS = 120_000


def events(
    seed: int, count: int, start_ms: int, span_ms: int = SPAN_MS, name: str = ""
) -> Iterator[Fields]:
    """Yield the fields of `count` entries, whose own times lie in the `span_ms` before `start_ms`.

    Some come twice, as they are or in another wrapper; some have no id; some cannot be read. Their
    ids hold `name`, or the seed: a decision of an earlier run is no new one.
    """
    chance = random.Random(seed)  # noqa: S311  the same seed gives the same traffic
    recent: list[tuple[dict[str, Any], Fields]] = []
    for number in range(count):
        if recent and _happens(chance, REPEATED):
            decided, envelope = chance.choice(recent)
        else:
            behind_ms = span_ms - span_ms * number // max(count, 1)
            stale_ms = STALE_MS if _happens(chance, STALE) else 0
            decided = _decided(chance)
            at_ms = start_ms - behind_ms - stale_ms
            envelope = _envelope(chance, f"{name or seed}-{number}", at_ms)
            recent = [*recent[-REPEATED_WITHIN:], (decided, envelope)]
        if _happens(chance, POISONED):
            yield _poisoned(chance, decided, envelope, chance.choice(BROKEN))
        else:
            yield chance.choices(WRAPPERS, weights=WEIGHTS)[0](decided, envelope)


def broken(
    seed: int, count: int, start_ms: int, hows: Sequence[str], name: str
) -> Iterator[Fields]:
    """Yield `count` entries that nobody can read, broken in the ways of `hows` in turn."""
    chance = random.Random(seed)  # noqa: S311
    for number in range(count):
        envelope = _envelope(chance, f"{name}-{number}", start_ms)
        yield _poisoned(chance, _decided(chance), envelope, hows[number % len(hows)])


def _decided(chance: random.Random) -> dict[str, Any]:
    symbol = chance.choice(list(PRICES))
    if _happens(chance, CLOSING):
        return {"symbol": symbol, "action": chance.choice(("FLAT", "close")), "reduce_only": True}
    price = round(PRICES[symbol] * chance.uniform(0.98, 1.02), 6)
    side = chance.choice(("buy", "sell", "BUY", "long", "SHORT"))
    up = side.lower() in {"buy", "long"}
    usd = round(chance.uniform(20, 1_200), 2)
    return {
        "symbol": symbol if _happens(chance, 0.9) else symbol.lower(),
        "side": side,
        "confidence": round(chance.uniform(0.5, 1), 3),
        "entry_price": price if _happens(chance, 0.8) else str(price),
        chance.choice(("quantity", "position_size_usd")): usd,
        "leverage": chance.choice((1, 2, 5, 10)),
        "stop_loss": round(price * (0.97 if up else 1.03), 6),
        "take_profit": round(price * (1.05 if up else 0.95), 6),
        "model": chance.choice(MODELS),
        "regime": chance.choice(REGIMES),
    }


def _envelope(chance: random.Random, name: str, at_ms: int) -> Fields:
    nameless = _happens(chance, NAMELESS)
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    ways = (
        moment.replace(tzinfo=None).isoformat(),
        moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        f"{at_ms / 1000:.3f}",
        str(at_ms),
    )
    return {
        "event_type": "ai.decision.made",
        "trace_id": chance.choice(NO_IDS) if nameless else f"trace-{name}",
        # one correlation may span symbols, and some decisions have not even that
        "correlation_id": "" if nameless and _happens(chance, 0.5) else f"cycle-{name}",
        "timestamp": chance.choices(ways, weights=(70, 10, 10, 10))[0],
        "source": "ai_engine",
    }


def _in_payload(decided: dict[str, Any], envelope: Fields) -> Fields:
    return {**envelope, "payload": json.dumps(decided)}


def _in_data(decided: dict[str, Any], envelope: Fields) -> Fields:
    return {"data": json.dumps({**envelope, **decided})}


def _flat(decided: dict[str, Any], envelope: Fields) -> Fields:
    return {**envelope, **{name: _text(value) for name, value in decided.items()}}


def _nested(decided: dict[str, Any], envelope: Fields) -> Fields:
    """Wrap it twice, as JSON of JSON."""
    return {"data": json.dumps({**envelope, "payload": json.dumps(decided)})}


#: The envelope of STREAMS.md comes most often.
WRAPPERS: tuple[Wrapper, ...] = (_in_payload, _in_data, _flat, _nested)
WEIGHTS = (70, 12, 12, 6)


def _poisoned(chance: random.Random, decided: dict[str, Any], envelope: Fields, how: str) -> Fields:
    worse = dict(decided)
    named = {**envelope, "trace_id": f"{envelope['trace_id'] or 'nameless'}-{how}"}
    if how == "cut short":
        text = json.dumps(worse)
        return {**named, "payload": text[: chance.randrange(1, len(text))]}
    if how == "close without reduce-only":
        return _in_payload({"symbol": worse["symbol"], "action": "CLOSE"}, named)
    if how == "no time":
        named["timestamp"] = chance.choice(("", "nan", "soon"))
    gone = {
        "no symbol": {"symbol"},
        "no side": {"side", "action"},
    }.get(how, set())
    if how == "no size":  # only what closes may leave it out
        worse = {"symbol": worse["symbol"], "side": "buy"}
    return _in_payload({name: each for name, each in worse.items() if name not in gone}, named)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _happens(chance: random.Random, share: float) -> bool:
    return chance.random() < share
