"""Let another process plan, release and look: /control/..., beside the exchange's own calls."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fault_injection.exchange_simulator.engine import Rejected
from fault_injection.exchange_simulator.exchange import SimulatedExchange


def routes(exchange: SimulatedExchange) -> list[Route]:
    """Return the routes: GET to look, POST with a JSON object of the method's arguments to change.

    GET /control/log?after=N tells of the calls after the Nth.

    An argument that does not fit is answered 400, with what is wrong.
    """
    looks: dict[str, Callable[..., Any]] = {
        "log": lambda after="0": {"calls": exchange.calls(after=int(after))},
        "fills": exchange.fills,
        "plan": exchange.planned,
        "orders": lambda: booked(exchange),
    }
    changes: dict[str, Callable[..., Any]] = {
        "misbehave": lambda **words: asdict(exchange.misbehave(**words)),
        "behave": exchange.behave,
        "release": lambda label="": {"released": exchange.release(label)},
        "reset": exchange.reset,
        "clock": exchange.set_clock,
        "price": exchange.move,
        "trigger": exchange.trigger,
        "fill_rest": exchange.fill_rest,
    }
    get = [Route(f"/control/{name}", look(run), methods=["GET"]) for name, run in looks.items()]
    post = [
        Route(f"/control/{name}", change(run), methods=["POST"]) for name, run in changes.items()
    ]
    return get + post


def booked(exchange: SimulatedExchange) -> list[dict[str, Any]]:
    """Return every order that was accepted, by the names of its fields."""
    return [asdict(each) for each in exchange.orders()]


def look(run: Callable[..., Any]) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Return an endpoint that shows what `run` returns; named fields stay named."""

    async def endpoint(request: Request) -> JSONResponse:
        try:
            return answered(run(**request.query_params))
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)

    return endpoint


def change(run: Callable[..., Any]) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Return an endpoint that calls `run` with the body's fields."""

    async def endpoint(request: Request) -> JSONResponse:
        try:
            return answered(run(**json.loads(await request.body() or b"{}")))
        except (ValueError, TypeError, KeyError, ArithmeticError, Rejected) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)

    return endpoint


def answered(said: Any) -> JSONResponse:
    """Return it as JSON."""
    plain = json.loads(as_text(said))
    return JSONResponse({"done": True} if plain is None else plain)


def as_text(said: Any) -> str:
    """Return it as the text of JSON."""
    return json.dumps(named(said), default=str)


def named(said: Any) -> Any:
    """Return fills as objects: JSON would make lists of them."""
    if isinstance(said, tuple) and hasattr(said, "_asdict"):
        return said._asdict()
    if isinstance(said, dict):
        return {key: named(value) for key, value in said.items()}
    return [named(each) for each in said] if isinstance(said, list) else said
