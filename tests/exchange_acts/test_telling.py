"""What the exchange's record says, as lines of a history: what the caller heard, and no more."""

import pytest

from fault_injection.exchange_acts import calls
from fault_injection.history import happenings as h
from streams.intents import STOP_LOSS, client_order_id

ENTRY, ASKED = ("POST", "/fapi/v1/order"), ("GET", "/fapi/v1/order")


def line(what=ENTRY, reply="200", code=None, order=None, **more):
    order = client_order_id("t1") if order is None else order
    return {"method": what[0], "path": what[1], "client_order_id": order, "reply": reply,
            "code": code, "wall_ms": 1_770_000_000_123, "effect": "FILLED", **more}  # fmt: skip


def said(*lines):
    return [(each.identity, each.leg, each.verb, each.answer)
            for each in calls(lines, "execution", ["t1", "t2"])]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "reply", "code", "answer"),
    [
        (ENTRY, "200", None, h.ACCEPTED), (ASKED, "200", None, h.FOUND),
        (ASKED, "400", -2013, h.NO_SUCH_ORDER),
        (ENTRY, "400", -4164, h.REFUSED), (ENTRY, "400", -1021, h.REFUSED),
        (ENTRY, "429", -1003, h.REFUSED), (ENTRY, "418", -1003, h.REFUSED),
        (ASKED, "429", -1003, h.REFUSED), (ASKED, "400", -1021, h.REFUSED),
        # nobody can tell from these what became of an order
        (ENTRY, "400", -4116, h.NO_REPLY), (ENTRY, "400", -1007, h.NO_REPLY),
        (ENTRY, "400", -1000, h.NO_REPLY), (ENTRY, "400", None, h.NO_REPLY),
        (ENTRY, "503", -1007, h.NO_REPLY), (ENTRY, "502", None, h.NO_REPLY),
        *[(ENTRY, reply, None, h.NO_REPLY)
          for reply in ("closed", "held", "hung up", "truncated", "dripped", "")],
        # no question was answered
        (ASKED, "hung up", None, h.NO_REPLY), (ASKED, "503", None, h.NO_REPLY),
        (ASKED, "hung up", -2013, h.NO_REPLY),
    ],
)  # fmt: skip
def test_an_answer_is_what_the_caller_heard(what, reply, code, answer):
    ((_, _, _, found),) = said(line(what, reply, code))
    assert found == answer


def test_an_order_is_told_by_its_identity_and_leg_and_one_of_nobody_by_its_own_id():
    stop = line(("POST", "/fapi/v1/algoOrder"), order=client_order_id("t2", STOP_LOSS))
    assert said(line(), stop, line(order="qe-other")) == [
        ("t1", "entry", h.SUBMIT, h.ACCEPTED), ("t2", "stop_loss", h.SUBMIT, h.ACCEPTED),
        ("order qe-other", "", h.SUBMIT, h.ACCEPTED),
    ]  # fmt: skip


def test_what_is_about_no_order_is_left_out():
    price = line(("GET", "/fapi/v1/premiumIndex"), order="")
    cancelled = line(("DELETE", "/fapi/v1/order"))
    assert said(price, cancelled, line(ASKED, order="")) == []


def test_it_happened_when_it_arrived_by_this_machines_clock():
    (call,) = calls([line()], "execution", ["t1"])
    assert call.wall_ns == 1_770_000_000_123_000_000
