"""What the simulated exchange's own record says, as lines of a history. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fault_injection.history.happenings import (
    ACCEPTED,
    FOUND,
    NO_REPLY,
    NO_SUCH_ORDER,
    QUERY,
    REFUSED,
    SUBMIT,
    Call,
)
from streams.intents import LEGS, client_order_id

#: Of all calls, those that are about an order's being there.
VERBS: Mapping[str, str] = {
    "POST /fapi/v1/order": SUBMIT,
    "POST /fapi/v1/algoOrder": SUBMIT,
    "GET /fapi/v1/order": QUERY,
    "GET /fapi/v1/algoOrder": QUERY,
}
#: Answers that are surely a no: beside what the request itself lacks, which is -1100 and below.
SURELY_NO = frozenset({-1002, -1003, -1008, -1013, -1014, -1015, -1020, -1021, -1022})
REQUEST_ERRORS = -1100
#: An order of that id is open: it may be this very one, so that nothing is refused for certain.
TAKEN = frozenset({-4015, -4116})
UNKNOWN_ORDER = -2013
NS_PER_MS = 1_000_000


def calls(
    record: Iterable[Mapping[str, Any]], flow: str, identities: Iterable[str]
) -> Iterator[Call]:
    """Yield each order that was sent, and each question after one, in the order of arrival.

    `record` is what GET /control/log shows, `identities` what orders were to be made for; an order
    of nobody is told under its own id. What is said is what the caller heard: where its effect was
    another one, it could not know.
    """
    known = {client_order_id(who, leg): (who, leg) for who in identities for leg in LEGS}
    for each in record:
        verb = VERBS.get(f"{each['method']} {each['path']}")
        order = each["client_order_id"]
        if verb is None or not order:
            continue
        who, leg = known.get(order, (f"order {order}", ""))
        yield Call(
            flow=flow,
            identity=who,
            verb=verb,
            order=order,
            answer=_answer(verb, each["reply"], each["code"]),
            leg=leg,
            wall_ns=each["wall_ms"] * NS_PER_MS,
        )


def _answer(verb: str, reply: str, code: int | None) -> str:
    if reply == "200":
        return ACCEPTED if verb == SUBMIT else FOUND
    if reply in ("429", "418"):
        return REFUSED
    if not (reply.startswith("4") and code is not None) or code in TAKEN:
        return NO_REPLY
    if verb == QUERY and code == UNKNOWN_ORDER:
        return NO_SUCH_ORDER
    return REFUSED if code <= REQUEST_ERRORS or code in SURELY_NO else NO_REPLY
