"""Give each call of the API to the engine, and word the engine's answer as the exchange does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from fault_injection.exchange_simulator.engine import NEW, Engine, Placed

Words = Mapping[str, str]


def time(engine: Engine, words: Words, now_ms: int) -> Any:  # noqa: ARG001
    """GET /fapi/v1/time."""
    return {"serverTime": now_ms}


def exchange_info(engine: Engine, words: Words, now_ms: int) -> Any:  # noqa: ARG001
    """GET /fapi/v1/exchangeInfo."""
    listed = [symbol.listed(name) for name, symbol in engine.symbols.items()]
    return {"timezone": "UTC", "serverTime": now_ms, "symbols": listed}


def premium_index(engine: Engine, words: Words, now_ms: int) -> Any:
    """GET /fapi/v1/premiumIndex of one symbol."""
    price = f"{engine.known(words).price:f}"
    return {"symbol": words["symbol"], "markPrice": price, "indexPrice": price, "time": now_ms}


def place(engine: Engine, words: Words, now_ms: int, **how: Any) -> Any:
    """POST /fapi/v1/order; without newOrderRespType=RESULT the answer says NEW and no more."""
    placed = engine.place(words, now_ms, **how)
    said = order_words(placed)
    if words.get("newOrderRespType") != "RESULT":
        said |= {"status": NEW, "executedQty": "0", "avgPrice": "0.00", "cumQuote": "0"}
    return said


def query(engine: Engine, words: Words, now_ms: int) -> Any:  # noqa: ARG001
    """GET /fapi/v1/order."""
    return order_words(engine.find(words))


def cancel(engine: Engine, words: Words, now_ms: int) -> Any:  # noqa: ARG001
    """DELETE /fapi/v1/order."""
    order = engine.cancel(engine.find, words)
    return order_words(order)


def open_orders(engine: Engine, words: Words, now_ms: int) -> Any:  # noqa: ARG001
    """GET /fapi/v1/openOrders."""
    wanted = words.get("symbol")
    resting = engine.open(engine.orders)
    return [order_words(each) for each in resting if wanted in (None, each.symbol)]


def place_conditional(engine: Engine, words: Words, now_ms: int) -> Any:
    """POST /fapi/v1/algoOrder."""
    return conditional_words(engine.place_conditional(words, now_ms))


def query_conditional(engine: Engine, words: Words, now_ms: int) -> Any:  # noqa: ARG001
    """GET /fapi/v1/algoOrder."""
    return conditional_words(engine.find_conditional(words))


def cancel_conditional(engine: Engine, words: Words, now_ms: int) -> Any:  # noqa: ARG001
    """DELETE /fapi/v1/algoOrder."""
    order = engine.cancel(engine.find_conditional, words)
    return {
        "algoId": order.order_id,
        "clientAlgoId": order.client_order_id,
        "code": "200",
        "msg": "success",
    }


def open_conditionals(engine: Engine, words: Words, now_ms: int) -> Any:  # noqa: ARG001
    """GET /fapi/v1/openAlgoOrders."""
    wanted = words.get("symbol")
    waiting = engine.open(engine.conditionals)
    return [conditional_words(each) for each in waiting if wanted in (None, each.symbol)]


def leverage(engine: Engine, words: Words, now_ms: int) -> Any:  # noqa: ARG001
    """POST /fapi/v1/leverage."""
    said = engine.set_leverage(words)
    return {"leverage": said, "maxNotionalValue": "1000000", "symbol": words["symbol"]}


def position_risk(engine: Engine, words: Words, now_ms: int) -> Any:
    """GET /fapi/v3/positionRisk: what is held, as v3 lists no flat symbol."""
    wanted = words.get("symbol")
    return [
        {
            "symbol": symbol,
            "positionSide": "BOTH",
            "positionAmt": f"{held:f}",
            "markPrice": f"{engine.symbols[symbol].price:f}",
            "updateTime": now_ms,
        }
        for symbol, held in engine.positions.items()
        if held and wanted in (None, symbol)
    ]


def order_words(order: Placed) -> dict[str, Any]:
    """Return an order as the exchange words it."""
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_order_id,
        "price": "0",
        "avgPrice": f"{order.price:f}",
        "origQty": f"{order.quantity:f}",
        "executedQty": f"{order.filled:f}",
        "cumQuote": f"{order.price * order.filled:f}",
        "timeInForce": "GTC",
        "type": order.kind,
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "side": order.side,
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "origType": order.kind,
        "updateTime": order.at_ms,
    }


def conditional_words(order: Placed) -> dict[str, Any]:
    """Return a conditional order as the exchange words it."""
    return {
        "algoId": order.order_id,
        "clientAlgoId": order.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": order.kind,
        "symbol": order.symbol,
        "side": order.side,
        "positionSide": "BOTH",
        "quantity": f"{order.quantity:f}",
        "algoStatus": order.status,
        "triggerPrice": f"{order.trigger or Decimal(0):f}",
        "actualOrderId": str(order.became or ""),
        "reduceOnly": order.reduce_only,
        "createTime": order.at_ms,
    }


Route = tuple[str, str]

#: Anybody may ask these, and the rest only with a key and a signature.
PUBLIC: dict[Route, Callable[..., Any]] = {
    ("GET", "/fapi/v1/time"): time,
    ("GET", "/fapi/v1/exchangeInfo"): exchange_info,
    ("GET", "/fapi/v1/premiumIndex"): premium_index,
}
SIGNED: dict[Route, Callable[..., Any]] = {
    ("POST", "/fapi/v1/order"): place,
    ("GET", "/fapi/v1/order"): query,
    ("DELETE", "/fapi/v1/order"): cancel,
    ("GET", "/fapi/v1/openOrders"): open_orders,
    ("POST", "/fapi/v1/algoOrder"): place_conditional,
    ("GET", "/fapi/v1/algoOrder"): query_conditional,
    ("DELETE", "/fapi/v1/algoOrder"): cancel_conditional,
    ("GET", "/fapi/v1/openAlgoOrders"): open_conditionals,
    ("POST", "/fapi/v1/leverage"): leverage,
    ("GET", "/fapi/v2/positionRisk"): position_risk,
    ("GET", "/fapi/v3/positionRisk"): position_risk,
}
