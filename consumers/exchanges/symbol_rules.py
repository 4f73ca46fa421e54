"""Round an order to what a symbol allows. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

from consumers.exchanges import OutcomeUnknown, Refused
from consumers.exchanges.answers import number, shaped, word
from consumers.exchanges.shapes import sane


class SymbolRules(NamedTuple):
    """What one symbol allows: base units, quote units."""

    step: Decimal
    least: Decimal
    most: Decimal
    least_notional: Decimal
    tick: Decimal


def rules(answer: Any) -> dict[str, SymbolRules]:
    """Return the rules of every symbol in exchangeInfo. Raises OutcomeUnknown for another shape."""
    made = {}
    for symbol in objects(shaped(answer).get("symbols")):
        filters = {word(one.get("filterType")): one for one in objects(symbol.get("filters"))}
        if not {"LOT_SIZE", "PRICE_FILTER"} <= set(filters):
            continue
        lots = [filters["LOT_SIZE"], filters.get("MARKET_LOT_SIZE", filters["LOT_SIZE"])]
        made[word(symbol.get("symbol"))] = SymbolRules(
            # both must hold for a market order; of two steps the coarser is a multiple
            step=max(number(one.get("stepSize")) for one in lots),
            least=max(number(one.get("minQty")) for one in lots),
            most=min(number(one.get("maxQty")) for one in lots),
            least_notional=number(filters.get("MIN_NOTIONAL", {}).get("notional", "0")),
            tick=number(filters["PRICE_FILTER"].get("tickSize")),
        )
    return made


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list. Raises OutcomeUnknown for what is no list of them."""
    if not isinstance(value, list):
        raise OutcomeUnknown("an answer in no known shape")
    return [shaped(each) for each in value]


def rounded(rule: SymbolRules, wanted: Decimal, price: Decimal, *, closing: bool) -> Decimal:
    """Return `wanted` base units rounded down to the step.

    Raises Refused for what is below the least or above the most.
    """
    if not sane(wanted) or not sane(price):
        raise Refused("unsendable", "a quantity or a price beyond all reason")
    quantity = wanted - wanted % rule.step if rule.step else wanted
    if quantity <= 0 or quantity < rule.least:
        raise Refused("below_min_quantity", f"{wanted:f} is below {rule.least:f}")
    if rule.most and quantity > rule.most:
        raise Refused("above_max_quantity", f"{quantity:f} is above {rule.most:f}")
    if not closing and quantity * price < rule.least_notional:
        raise Refused(
            "below_min_notional", f"{quantity * price:f} is worth less than {rule.least_notional:f}"
        )
    # bare of final zeros, which count as precision at the exchange
    return quantity.normalize()


def on_tick(rule: SymbolRules, price: Decimal) -> Decimal:
    """Return the price that the symbol knows nearest to `price`. Raises Refused where it is 0."""
    if not sane(price):
        raise Refused("unsendable", "a price beyond all reason")
    if not rule.tick:
        return price
    steps = (price / rule.tick).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    if steps <= 0:
        raise Refused("below_min_price", f"{price:f} is below {rule.tick:f}")
    return (steps * rule.tick).normalize()
