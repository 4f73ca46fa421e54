"""The same tests on paper and on Binance's adapter, where the protocol promises the same."""

from decimal import Decimal

import pytest

from consumers.exchanges import Refused, Report
from consumers.exchanges.opening import open_exchange
from tests.exchanges.conftest import adapter, entry, stop


class OnPaper:
    """Paper, and what execution's terminal script writes after each answer."""

    def __init__(self, client):
        self.client, self.exchange = client, open_exchange("paper", mode="testnet", client=client)

    def place(self, order):
        report = self.exchange.place(order)
        self.write(order, report)
        return report

    def cancel(self, order):
        report = self.exchange.cancel(order.symbol, order.client_order_id)
        if report is not None:
            self.write(order, report)
        return report

    def write(self, order, report):
        signed = report.filled if order.side == "BUY" else -report.filled
        held = Decimal(self.client.hget("quantum:paper:position", order.symbol) or 0)
        self.client.hset("quantum:paper:position", order.symbol, str(held + signed))
        self.client.hset(
            f"quantum:paper:order:{order.client_order_id}",
            mapping={
                "symbol": order.symbol,
                "side": order.side,
                "quantity": str(order.quantity),
                "price": str(report.average_price),
                "status": report.status,
                "kind": order.kind,
                "stop_price": str(order.stop_price or ""),
                "reduce_only": "true" if order.reduce_only else "false",
            },
        )


class OnBinance:
    def __init__(self, simulator):
        self.exchange = adapter(simulator)
        self.place = self.exchange.place

    def cancel(self, order):
        return self.exchange.cancel(order.symbol, order.client_order_id)


@pytest.fixture(params=["paper", "binance_futures"])
def account(request):
    if request.param == "paper":
        return OnPaper(request.getfixturevalue("client"))
    return OnBinance(request.getfixturevalue("simulator"))


def without_its_own_id(report):
    return report._replace(exchange_order_id="")


def test_a_market_order_is_filled_in_full(account):
    report = account.place(entry())
    expected = Report("q-1", "FILLED", Decimal("0.01"), Decimal(60_000), "")
    assert without_its_own_id(report) == expected


def test_a_filled_order_is_found_by_its_client_order_id_with_the_same_words(account):
    placed = account.place(entry())
    assert account.exchange.find("BTCUSDT", "q-1") == placed


def test_an_order_that_never_was_is_not_found(account):
    assert account.exchange.find("BTCUSDT", "q-1") is None


def test_an_order_is_not_found_under_another_symbol(account):
    account.place(entry())
    assert account.exchange.find("ETHUSDT", "q-1") is None


@pytest.mark.parametrize("kind", ["STOP_MARKET", "TAKE_PROFIT_MARKET"])
def test_a_stop_rests_and_is_found_resting(account, kind):
    account.place(entry())
    placed = account.place(stop(kind=kind))
    assert (placed.status, placed.filled) == ("NEW", 0)
    assert account.exchange.find("BTCUSDT", "q-1-sl") == placed


def test_a_resting_stop_can_be_cancelled_once_and_is_then_found_cancelled(account):
    account.place(entry())
    account.place(stop())
    assert account.cancel(stop()).status == "CANCELED"
    assert account.cancel(stop()) is None
    assert account.exchange.find("BTCUSDT", "q-1-sl").status == "CANCELED"


def test_a_filled_order_cannot_be_cancelled(account):
    account.place(entry())
    assert account.cancel(entry()) is None


def test_the_position_is_the_sum_of_what_was_filled(account):
    account.place(entry())
    account.place(entry("q-2", "0.030", side="SELL"))
    assert account.exchange.position("BTCUSDT") == Decimal("-0.02")
    assert account.exchange.position("ETHUSDT") == 0


def test_a_quantity_is_rounded_down_and_bare_of_final_zeros(account):
    rounded = account.exchange.quantity("BTCUSDT", Decimal("0.0100000000009"), Decimal(60_000))
    assert str(rounded) == "0.01"


def test_a_quantity_that_rounds_to_nothing_is_refused(account):
    with pytest.raises(Refused) as refused:
        account.exchange.quantity("BTCUSDT", Decimal("0.000000001"), Decimal(60_000))
    assert refused.value.code == "below_min_quantity"


@pytest.mark.parametrize("leverage", [0, 126, -1])
def test_a_leverage_that_no_exchange_has_is_refused(account, leverage):
    account.exchange.set_leverage("BTCUSDT", 20)
    with pytest.raises(Refused):
        account.exchange.set_leverage("BTCUSDT", leverage)


UNSENDABLE = {
    "an id that is too long": entry("q" * 37),
    "an id with a sign that encoding changes": entry("q:1"),
    "an id that would add a parameter": entry("q&side=SELL"),
    "an empty id": entry(""),
    "a symbol in lower case": entry(symbol="btcusdt"),
    "a symbol that would add a parameter": entry(symbol="BTCUSDT&x=1"),
    "a symbol with a letter beyond ASCII": entry(symbol="BTCUSD\N{CYRILLIC CAPITAL LETTER TE}"),
    "another side": entry(side="LONG"),
    "another kind": entry(kind="LIMIT"),
    "no quantity": entry(quantity="0"),
    "a negative quantity": entry(quantity="-1"),
    "a quantity that is none": entry(quantity="NaN"),
    "an endless quantity": entry(quantity="Infinity"),
    "an astronomic quantity": entry(quantity="1e999999"),
    "a stop without a price": entry(kind="STOP_MARKET"),
    "a market order with a stop price": entry(stop_price=Decimal(1)),
    "a stop price that is none": stop(stop_price="NaN"),
}


@pytest.mark.parametrize("order", UNSENDABLE.values(), ids=UNSENDABLE)
def test_what_no_exchange_would_understand_is_refused_before_it_is_sent(account, order):
    with pytest.raises(Refused) as refused:
        account.exchange.place(order)
    assert refused.value.code == "unsendable"


@pytest.mark.parametrize("call", ["find", "cancel"])
def test_nothing_is_asked_about_an_id_that_could_not_have_been_placed(account, call):
    with pytest.raises(Refused):
        getattr(account.exchange, call)("BTCUSDT", "q&symbol=ETHUSDT")
