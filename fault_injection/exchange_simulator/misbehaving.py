"""Plan what the exchange does wrong: by count or by seed, never by the clock. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

#: What `on` may say beside "any", "place" (entry or stop) and a literal "POST /fapi/v1/order".
KINDS = {
    ("POST", "/fapi/v1/order"): "entry",
    ("POST", "/fapi/v1/algoOrder"): "stop",
    ("GET", "/fapi/v1/order"): "query",
    ("GET", "/fapi/v1/algoOrder"): "query",
    ("DELETE", "/fapi/v1/order"): "cancel",
    ("DELETE", "/fapi/v1/algoOrder"): "cancel",
    ("POST", "/fapi/v1/leverage"): "leverage",
    ("GET", "/fapi/v1/premiumIndex"): "price",
    ("GET", "/fapi/v1/exchangeInfo"): "rules",
    ("GET", "/fapi/v3/positionRisk"): "position",
    ("GET", "/fapi/v1/time"): "time",
}
PLACES = frozenset({"entry", "stop"})

NOW, NEVER, LATE = "now", "never", "late"
TRUE, SAID, CLOSE, TRUNCATE, DRIP = "true", "said", "close", "truncate", "drip"


@dataclass(frozen=True, kw_only=True)
class Misbehaviour:
    """What goes wrong with the calls it is meant for: the effect and the reply, each by itself."""

    name: str = "own"
    #: Whose it is, for whoever takes back what is his alone.
    label: str = ""
    #: Which calls: "place", "entry", "stop", "query", "cancel", "any", ...; "POST /fapi/v1/order".
    on: str = "place"
    #: Only calls about this id; "" for every one.
    client_order_id: str = ""
    #: How many such calls are left alone first, and how many are hit then; 0: all of them.
    skip: int = 0
    times: int = 1
    #: Of those, which share is hit, drawn with `seed`.
    share: float = 1.0
    seed: int = 0

    #: "now"; "never"; "late": on the way, and at the engine after `after_ms`, or (None) when told.
    effect: str = NOW
    after_ms: int | None = None
    #: How much of a market order fills, and what the order is then; None: all.
    filled: str | None = None
    rest: str = "PARTIALLY_FILLED"

    #: "true": the engine's answer; "said": the one below; "close": none; "truncate": half of it;
    #: "drip": a byte at a time.
    reply: str = TRUE
    #: How long the reply is held, in milliseconds; None: until told.
    hold_ms: int | None = 0
    #: Between two bytes of a drip.
    drip_ms: int = 20
    status: int = 503
    code: int | None = None
    message: str = ""
    #: In the place of code and message.
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def meant_for(self, method: str, path: str, client_order_id: str) -> bool:
        """Whether it is about such a call."""
        kind = KINDS.get((method, path), "other")
        wanted = self.on in ("any", kind, f"{method} {path}")
        wanted = wanted or (self.on == "place" and kind in PLACES)
        return wanted and self.client_order_id in ("", client_order_id)


UNKNOWN_STATUS = "Timeout waiting for response from backend server. Send status unknown."

#: What FAULTS asks for by name; each may be changed where it is planned.
NAMED = {
    each.name: each
    for each in (
        Misbehaviour(name="unknown_after_fill", reply=SAID, code=-1007, message=UNKNOWN_STATUS),
        Misbehaviour(name="unknown_before_fill", effect=NEVER, reply=SAID, code=-1007),
        Misbehaviour(
            name="bad_gateway_after_fill", reply=SAID, status=502, body="<html>Bad Gateway</html>",
        ),
        Misbehaviour(name="timeout_after_acceptance", hold_ms=None),
        Misbehaviour(name="timeout_before_acceptance", effect=NEVER, reply=CLOSE, hold_ms=None),
        Misbehaviour(name="late_request", effect=LATE, reply=SAID, code=-1007),
        Misbehaviour(name="late_request_no_answer", effect=LATE, reply=CLOSE),
        Misbehaviour(name="late_answer", hold_ms=200),
        Misbehaviour(
            name="throttled", effect=NEVER, reply=SAID, status=429, code=-1003,
            message="Too many requests.", headers={"Retry-After": "7"},
        ),
        Misbehaviour(
            name="banned", effect=NEVER, reply=SAID, status=418, code=-1003,
            message="Way too many requests; IP banned.", headers={"Retry-After": "300"},
        ),
        Misbehaviour(
            name="below_min_notional", effect=NEVER, reply=SAID, status=400, code=-4164,
            message="Order's notional must be no smaller than 5.0 (unless you choose reduce only)",
        ),
        Misbehaviour(
            name="unknown_on_cancel", on="cancel", effect=NEVER, reply=SAID, status=400,
            code=-2011, message="Unknown order sent.",
        ),
        Misbehaviour(
            name="unknown_on_query", on="query", effect=NEVER, reply=SAID, status=400,
            code=-2013, message="Order does not exist.",
        ),
        Misbehaviour(
            name="clock_skew", effect=NEVER, reply=SAID, status=400, code=-1021,
            message="Timestamp for this request is outside of the recvWindow.",
        ),
        Misbehaviour(name="partial_fill", filled="0.5"),
        Misbehaviour(name="partial_fill_expired", filled="0.5", rest="EXPIRED"),
        Misbehaviour(name="closed_before_effect", effect=NEVER, reply=CLOSE),
        Misbehaviour(name="closed_after_effect", reply=CLOSE),
        Misbehaviour(name="truncated_answer", reply=TRUNCATE),
        Misbehaviour(name="dripping_answer", reply=DRIP),
    )
}  # fmt: skip


def misbehaviour(name: str = "", **changes: Any) -> Misbehaviour:
    """Return a named one with changes, or one made of them. Raises KeyError, TypeError."""
    made = replace(NAMED[name] if name else Misbehaviour(), **changes)
    if made.effect not in (NOW, NEVER, LATE) or made.reply not in (
        TRUE, SAID, CLOSE, TRUNCATE, DRIP,
    ):  # fmt: skip
        raise TypeError(f"no such effect or reply: {made.effect}, {made.reply}")
    if made.effect == NEVER and made.reply == TRUE:
        raise TypeError("without an effect there is no true answer")
    return made


class Plan:
    """What is planned, in the order in which it was; the first that fits a call is taken."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, planned: Misbehaviour) -> None:
        """Plan one more."""
        self._planned.append(_Planned(planned, random.Random(planned.seed)))  # noqa: S311

    def clear(self, label: str = "") -> None:
        """Behave from now on, in what has this label; "" means all of it."""
        self._planned = [each for each in self._planned if label not in ("", each.what.label)]

    def take(self, method: str, path: str, client_order_id: str) -> Misbehaviour | None:
        """Return what shall go wrong with this call, None for nothing."""
        for each in self._planned:
            if each.what.meant_for(method, path, client_order_id) and each.due():
                return each.what
        return None

    def left(self) -> list[dict[str, Any]]:
        """Return what is still to come, for people."""
        return [asdict(each.what) | {"used": each.used} for each in self._planned if not each.spent]


@dataclass
class _Planned:
    what: Misbehaviour
    chance: random.Random
    seen: int = 0
    used: int = 0

    @property
    def spent(self) -> bool:
        return bool(self.what.times) and self.used >= self.what.times

    def due(self) -> bool:
        if self.spent:
            return False
        self.seen += 1
        if self.seen <= self.what.skip or self.chance.random() >= self.what.share:
            return False
        self.used += 1
        return True
