"""Say what the simulated symbols are worth and how finely they trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple


class Symbol(NamedTuple):
    """One symbol: prices in USDT, quantities in base units, as text where only texts are needed."""

    price: Decimal
    step: str
    most: str
    tick: str
    least_notional: str = "5"

    def listed(self, name: str) -> dict[str, Any]:
        """Return what exchangeInfo says of it."""
        lot = {"minQty": self.step, "maxQty": self.most, "stepSize": self.step}
        return {
            "symbol": name,
            "status": "TRADING",
            "contractType": "PERPETUAL",
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": self.tick, "tickSize": self.tick},
                {"filterType": "LOT_SIZE", **lot},
                {"filterType": "MARKET_LOT_SIZE", **lot},
                {"filterType": "MIN_NOTIONAL", "notional": self.least_notional},
            ],
        }


def start() -> dict[str, Symbol]:
    """Return what a new simulator trades."""
    return {
        "BTCUSDT": Symbol(Decimal(60_000), "0.001", "120", "0.10", "100"),
        "ETHUSDT": Symbol(Decimal(3_000), "0.001", "2000", "0.01", "20"),
        "SOLUSDT": Symbol(Decimal(150), "0.01", "50000", "0.0100"),
        "XRPUSDT": Symbol(Decimal("0.5"), "0.1", "5000000", "0.0001"),
        "API3USDT": Symbol(Decimal(2), "0.1", "300000", "0.000100"),
        "1000PEPEUSDT": Symbol(Decimal("0.01"), "1", "90000000", "0.0000001"),
    }
