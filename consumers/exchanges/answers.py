"""Say what an answer of Binance means: a report, or one of the few errors. Pure.

Whatever is not surely a no counts as unknown: https://developers.binance.com/docs/derivatives/
usds-margined-futures/error-code is where the numbers are from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from consumers.exchanges import (
    CANCELED,
    EXPIRED,
    NEW,
    REJECTED,
    STATUSES,
    ClockSkew,
    ExchangeError,
    OutcomeUnknown,
    Refused,
    Report,
    Throttled,
)
from consumers.exchanges.shapes import sane

#: By which codes a clock is off, too much was asked, and an id is taken by an open order.
CLOCK = -1021
TOO_MUCH = frozenset({-1003, -1008, -1015})
TAKEN = "-4116"
#: The same in older words; a code that an id of a wrong shape gets too.
BAD_ID = "-4015"
NO_SUCH_ORDER = frozenset({"-2011", "-2013"})
NOTHING_TO_CHANGE = frozenset({"-4046", "-4059"})
#: Of the codes above -1100, which tell of the server's own trouble, those that are surely a no.
SURELY_REFUSED = frozenset({-1002, -1013, -1014, -1020, -1022})
REQUEST_ERRORS = -1100

#: A wait where Retry-After is missing or no number, in seconds; and the longest we believe.
WAIT_S, BANNED_WAIT_S, LONGEST_WAIT_S = 5.0, 120.0, 259_200.0

TOO_MANY_REQUESTS, BANNED, REQUEST_TIMEOUT = 429, 418, 408
CLIENT_ERRORS = range(400, 500)

#: Binance's words for an order's state that are not ours.
ORDER_STATUS = {"EXPIRED_IN_MATCH": EXPIRED}
#: A conditional order's states; the ones that are missing are told by the order it became.
CONDITIONAL_STATUS = {
    "NEW": NEW,
    "TRIGGERING": NEW,
    "CANCELED": CANCELED,
    "EXPIRED": EXPIRED,
    "REJECTED": REJECTED,
}
BECAME_AN_ORDER = frozenset({"TRIGGERED", "FINISHED"})

#: How much of the exchange's words goes into an error, in characters.
MOST_WORDS = 200


def failure(status: int, headers: Mapping[str, str], body: bytes) -> ExchangeError:
    """Return the error that an answer outside 2xx stands for."""
    code, words = code_and_words(body)
    if status in (TOO_MANY_REQUESTS, BANNED):
        default = BANNED_WAIT_S if status == BANNED else WAIT_S
        return Throttled(wait_s(headers.get("Retry-After"), default), f"HTTP {status}")
    if status not in CLIENT_ERRORS or status == REQUEST_TIMEOUT or code is None:
        return OutcomeUnknown(f"HTTP {status}, code {code}: {words}")
    if code == CLOCK:
        return ClockSkew(f"{code}: {words}")
    if code in TOO_MUCH:
        return Throttled(wait_s(headers.get("Retry-After"), WAIT_S), f"{code}: {words}")
    if code > REQUEST_ERRORS and code not in SURELY_REFUSED:
        return OutcomeUnknown(f"HTTP {status}, code {code}: {words}")
    return Refused(str(code), words)


def code_and_words(body: bytes) -> tuple[int | None, str]:
    """Return the exchange's number (None where it gave none) and its words, short and printable."""
    try:
        said = json.loads(body)
        code, words = said["code"], said.get("msg", "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None, "an answer in no known shape"
    if isinstance(code, bool) or not isinstance(code, int) or code >= 0:
        return None, "an answer without a code"
    short = str(words)[:MOST_WORDS]
    return code, "".join(each if each.isprintable() else " " for each in short)


def wait_s(retry_after: str | None, default: float) -> float:
    """Return the wanted wait in seconds, within reason."""
    if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()):
        return default
    return min(float(retry_after[:10]), LONGEST_WAIT_S)


def report(answer: Any, client_order_id: str, *, named: bool = True) -> Report:
    """Return what an order's answer says. Raises OutcomeUnknown for any other shape.

    named: whether the answer must go by the id (the order that a stop became has its own).
    """
    said = shaped(answer)
    if named and said.get("clientOrderId") != client_order_id:
        raise OutcomeUnknown("an answer about another order")
    status = word(said.get("status"))
    status = ORDER_STATUS.get(status, status)
    if status not in STATUSES:
        raise OutcomeUnknown("an answer with an unknown status")
    return Report(
        client_order_id,
        status,
        number(said.get("executedQty")),
        number(said.get("avgPrice", "0")),
        identity(said.get("orderId")),
    )


def conditional_report(answer: Any, client_order_id: str) -> Report | str:
    """Return what a conditional order's answer says, or the id of the order that it became."""
    said = shaped(answer)
    if said.get("clientAlgoId") != client_order_id:
        raise OutcomeUnknown("an answer about another order")
    status = word(said.get("algoStatus"))
    if status in BECAME_AN_ORDER and said.get("actualOrderId"):
        return identity(said["actualOrderId"])
    if status not in CONDITIONAL_STATUS:
        raise OutcomeUnknown("an answer with an unknown status")
    nothing = Decimal(0)
    return Report(
        client_order_id, CONDITIONAL_STATUS[status], nothing, nothing, identity(said.get("algoId"))
    )


def shaped(answer: Any) -> dict[str, Any]:
    """Return an answer that is an object. Raises OutcomeUnknown."""
    if not isinstance(answer, dict):
        raise OutcomeUnknown("an answer in no known shape")
    return answer


def word(value: Any) -> str:
    """Return a text as it is, "" for anything else."""
    return value if isinstance(value, str) else ""


def number(value: Any, *, signed: bool = False) -> Decimal:
    """Return a number that was sent as text. Raises OutcomeUnknown."""
    try:
        made = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        made = None
    if made is None or not sane(made) or (made < 0 and not signed):
        raise OutcomeUnknown("an answer without a number where one belongs")
    return made


def identity(value: Any) -> str:
    """Return the exchange's own id of an order. Raises OutcomeUnknown."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isalnum():
        raise OutcomeUnknown("an answer without an order's id")
    return str(value)
