"""Paper answers without I/O, and reads only what execution wrote."""

from decimal import Decimal

import pytest

from consumers.exchanges import OutcomeUnknown, Refused
from consumers.exchanges.paper import Paper
from tests.exchanges.conftest import entry, stop


def test_placing_needs_no_redis_and_answers_the_same_each_time():
    paper = Paper(client=None)
    assert paper.instant
    assert paper.place(entry()) == paper.place(entry())
    assert paper.place(stop()) == paper.place(stop())


@pytest.mark.parametrize("price", [None, Decimal(0), Decimal(-1)])
def test_a_market_order_without_a_price_is_refused(price):
    with pytest.raises(Refused) as refused:
        Paper(client=None).place(entry(reference_price=price))
    assert refused.value.code == "no_price"


def test_paper_knows_no_price_of_its_own():
    with pytest.raises(Refused):
        Paper(client=None).price("BTCUSDT")


def test_a_spoiled_record_is_unknown_and_not_zero(client):
    client.hset("quantum:paper:position", "BTCUSDT", "much")
    client.hset(
        "quantum:paper:order:q-1",
        mapping={"symbol": "BTCUSDT", "status": "FILLED", "quantity": "much", "price": "1"},
    )
    with pytest.raises(OutcomeUnknown):
        Paper(client).position("BTCUSDT")
    with pytest.raises(OutcomeUnknown):
        Paper(client).find("BTCUSDT", "q-1")
