"""Read the fields that decisions and intents share: ids, symbol, direction, amounts, time.

A trade is never guessed: a field that cannot be read, or two that say different things, end in a
FieldError, whose text is the reason for a dead letter. Only what is not said at all has a default.
Numbers are texts until they are Decimals: no float ever holds money.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from streams.ids import id_ms
from streams.moments import LATEST_MS, said_ms
from streams.wrappers import WRAPPERS, FieldError, Layer, Said, gather

#: How far a trade's own time may be ahead of its entry's id, in milliseconds.
AHEAD_MS = 300_000
#: A longer id is kept as its digest, in characters.
ID_CHARS = 200
#: What is longer is no number and no word, in characters.
NUMBER_CHARS, WORD_CHARS = 110, 16
#: Powers of ten between which an amount of anything lies; beyond there is a mistake.
LEAST, MOST = -18, 14
#: Two names for one amount agree within this share of it: they may have been floats on their way.
AGREE = Decimal("1e-6")
LEVERAGE_MOST = 125

BUY, SELL, FLAT = "BUY", "SELL", "FLAT"

_OF_THE_ENVELOPE = ("trace_id", "correlation_id", "timestamp")
#: Every name that means something here, in decisions and in intents.
NAMES = frozenset(
    (
        *_OF_THE_ENVELOPE, "symbol", "action", "side", "direction", "reduce_only", "reduceOnly",
        "quantity", "qty", "position_usd", "position_size_usd", "size", "entry_price", "price",
        "leverage", "stop_loss", "take_profit", "canary",
    )
)  # fmt: skip
#: Words that stand in for an id that is not there; zeros alone do so for W3C and for UUIDs.
_NO_ID = frozenset(("nan", "undefined", "true", "false"))
_TRUTH = {
    "true": True, "1": True, "yes": True, "y": True, "on": True,
    "false": False, "0": False, "no": False, "n": False, "off": False,
}  # fmt: skip
_DIRECTIONS = {
    "BUY": BUY, "LONG": BUY, "SELL": SELL, "SHORT": SELL, "FLAT": FLAT, "CLOSE": FLAT,
}  # fmt: skip
#: They name a position: closing a LONG sells, so beside CLOSE it is unclear which side is meant.
_OF_A_POSITION = frozenset(("LONG", "SHORT"))

_number = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?").fullmatch
_symbol = re.compile(r"[A-Z0-9]{2,32}").fullmatch
_zeros = re.compile(r"[0-]+").fullmatch


class Direction(NamedTuple):
    """BUY, SELL or FLAT, and whether a position is closed by it."""

    side: str
    closes: bool


def said_in(layers: Sequence[Layer]) -> Said:
    """Return what is said under the names that mean something."""
    return gather(layers, NAMES)


def an_id(said: Said, name: str) -> str:
    """Return an id, "" for none and for what only stands in for one."""
    texts = said.get(name)
    if texts is None:
        return ""
    found = {text for text in texts if text.lower() not in _NO_ID and not _zeros(text)}
    if not found:
        return ""
    text = _one(found, name)
    if len(text) <= ID_CHARS and (text.isascii() or _is_writable(text)):
        return text
    return digest(text)


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON may bring half a surrogate pair
        return False
    return True


def digest(text: str) -> str:
    """Return a name for a text."""
    made = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"sha256:{made}"


def identity(
    trace_id: str, correlation_id: str, symbol: str, side: str, layers: Sequence[Layer]
) -> str:
    """Return what the trade is known by everywhere; never empty, never raises.

    The trace id; else the correlation id with symbol and side, since one correlation may span
    symbols; else a digest of what is said, whatever it is wrapped in.
    """
    if trace_id:
        return trace_id
    if correlation_id and symbol and side:
        return f"{correlation_id}|{symbol}|{side}"
    content: dict[str, Any] = {}
    for layer in layers:
        content.update({str(name): value for name, value in layer.items()})
    for name in (*WRAPPERS, *_OF_THE_ENVELOPE, "event_type", "source"):
        content.pop(name, None)
    try:
        # as texts, since a number may have come as one or as the other
        moments = sorted(_moments([text for layer in layers for text in _timestamp(layer)]))
        told = json.dumps([correlation_id, moments, content], sort_keys=True, default=repr)
    except (TypeError, ValueError, RecursionError):
        told = repr(sorted(content))
    return digest(told)


def _timestamp(layer: Layer) -> list[str]:
    value = layer.get("timestamp")
    return [str(value)] if isinstance(value, str | int | float) else []


def symbol_of(said: Said) -> str:
    """Return the symbol in upper case."""
    found = set()
    for text in said.get("symbol", ()):
        upper = text.upper() if text.isascii() else ""
        if not _symbol(upper):
            raise FieldError("bad_symbol")
        found.add(upper)
    if not found:
        raise FieldError("no_symbol")
    return _one(found, "symbol")


def direction_of(said: Said) -> Direction:
    """Return which way it goes, after action, side and direction."""
    texts = (*said.get("action", ()), *said.get("side", ()), *said.get("direction", ()))
    if not texts:
        raise FieldError("no_side")
    if not all(text.isascii() and len(text) <= WORD_CHARS for text in texts):
        # letters of other scripts may become ASCII ones in upper case
        raise FieldError("unknown_side")
    return _direction(texts)


@lru_cache(maxsize=1024)
def _direction(texts: tuple[str, ...]) -> Direction:
    words = {text.upper() for text in texts}
    if not words <= _DIRECTIONS.keys():
        raise FieldError("unknown_side")
    sides = {_DIRECTIONS[word] for word in words}
    closes = FLAT in sides
    sides.discard(FLAT)
    if not sides:
        return Direction(FLAT, closes=True)
    if closes and words & _OF_A_POSITION:
        raise FieldError("contradiction:side")
    return Direction(_one(sides, "side"), closes)


def _one(found: set[str], name: str) -> str:
    if len(found) > 1:
        raise FieldError(f"contradiction:{name}")
    return next(iter(found))


def amount(said: Said, *names: str, zero_is_unsaid: bool = False) -> Decimal | None:
    """Return a positive amount, None where none of the names says one.

    Where an amount may be left out producers also write 0 for it.
    """
    found: Decimal | None = None
    told = ""
    for name in names:
        for text in said.get(name, ()):
            if text == told:
                continue
            number = _decimal(text)
            if number is None or not (number or zero_is_unsaid):
                raise FieldError(f"bad_{name}")
            if found is None:
                found, told = number or None, text
            elif number and not agree(found, number):
                raise FieldError(f"contradiction:{names[0]}")
    return found


def _decimal(text: str) -> Decimal | None:
    """Return zero or an amount of anything, None for what is neither."""
    if len(text) > NUMBER_CHARS or not _number(text):
        return None
    number = Decimal(text)
    if number and (number.is_signed() or not LEAST <= number.adjusted() <= MOST):
        return None
    return number


def agree(one: Decimal, other: Decimal) -> bool:
    """Tell whether two amounts are meant to be the same."""
    return one == other or abs(one - other) <= AGREE * one


def check_stops(side: str, stop_loss: Decimal | None, take_profit: Decimal | None) -> None:
    """Raise FieldError where the loss would be stopped beyond the profit."""
    if stop_loss is None or take_profit is None or side == FLAT:
        return
    if stop_loss == take_profit or (stop_loss < take_profit) != (side == BUY):
        raise FieldError("contradiction:stops")


def leverage_of(said: Said) -> int | None:
    """Return the leverage, 1 to 125, None where none is said."""
    found = amount(said, "leverage", zero_is_unsaid=True)
    if found is None:
        return None
    if not 1 <= found <= LEVERAGE_MOST or found != found.to_integral_value():
        raise FieldError("bad_leverage")
    return int(found)


def truth(said: Said, *names: str) -> bool | None:
    """Return what a flag explicitly says, in whatever spelling; None where it is not said."""
    found = {_TRUTH.get(text.lower()) for name in names if name in said for text in said[name]}
    if not found:
        return None
    if None in found:
        raise FieldError(f"bad_{names[0]}")
    if len(found) > 1:
        raise FieldError(f"contradiction:{names[0]}")
    return found.pop()


def reduce_only_of(said: Said, way: Direction) -> bool | None:
    """Return whether it may only reduce a position; what closes one must say so explicitly."""
    found = truth(said, "reduce_only", "reduceOnly")
    if way.closes and not found:
        raise FieldError("close_without_reduce_only")
    return found


def made_ms(said: Said, entry_id: str) -> int:
    """Return when the trade was wanted, in milliseconds since the epoch.

    Of several moments the oldest counts: an envelope made later makes nothing fresh. Nor does a
    moment ahead of the entry's own id.
    """
    moments = _moments(said.get("timestamp", ()))
    if not moments:
        raise FieldError("no_time")
    oldest_ms = min(moments)
    of_id_ms = id_ms(entry_id)
    if of_id_ms and oldest_ms - of_id_ms > AHEAD_MS:
        raise FieldError("time_ahead")
    return oldest_ms


def _moments(texts: Sequence[str]) -> list[int]:
    # NaN is in no range
    return [int(moment_ms) for text in texts if 0 < (moment_ms := said_ms(text)) <= LATEST_MS]
