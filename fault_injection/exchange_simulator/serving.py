"""Serve the exchange over HTTP, and do to its replies what was planned."""

from __future__ import annotations

import asyncio
import contextlib
import json
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from fault_injection.exchange_simulator.controlling import routes
from fault_injection.exchange_simulator.exchange import SimulatedExchange
from fault_injection.exchange_simulator.misbehaving import (
    CLOSE,
    DRIP,
    LATE,
    SAID,
    TRUE,
    TRUNCATE,
    Misbehaviour,
)
from fault_injection.exchange_simulator.recording import Answer, Call, as_json

IDLE_CONNECTION_S = 60


class Protocol(H11Protocol):
    """uvicorn's own, which also shows the connection to the application, so that it can be cut."""

    def connection_made(self, transport: Any) -> None:
        """Keep the connection where the request finds it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": transport}


def server(exchange: SimulatedExchange) -> Server:
    """Return a server that is not running yet."""
    app = Starlette(routes=[*routes(exchange), Mount("/", app=Front(exchange))])
    config = Config(
        app,
        http=Protocol,
        lifespan="off",
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        timeout_keep_alive=IDLE_CONNECTION_S,
    )
    return Server(config)


class Front:
    """The exchange's door: an ASGI application."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or do whatever else is planned."""
        request, loop, told = Request(scope, receive), asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # a server that is gone holds no reply
                loop.call_soon_threadsafe(told.set)

        body = (await request.body()).decode("latin-1")
        call = self._exchange.arrive(
            request.method,
            scope["path"],
            scope["query_string"].decode("latin-1"),
            body,
            request.headers,
            wake,
        )
        wrong = call.wrong or Misbehaviour()
        if wrong.effect == LATE and wrong.after_ms is not None:
            loop.call_later(wrong.after_ms / 1000, self._exchange.land, call)
        await hold(wrong, told)
        await deliver(call, wrong, scope, receive, send)


async def hold(wrong: Misbehaviour, told: asyncio.Event) -> None:
    """Wait as long as the reply is held."""
    if wrong.hold_ms is None or (wrong.effect == LATE and wrong.reply == TRUE):
        await told.wait()
    elif wrong.hold_ms:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), wrong.hold_ms / 1000)


async def deliver(
    call: Call, wrong: Misbehaviour, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send the reply, or what is left of it."""
    connection = scope["state"]["connection"]
    if connection.is_closing():
        call.reply = "hung up"
        return
    reply = said(wrong) if wrong.reply == SAID else call.answer
    if wrong.reply == CLOSE or reply is None:
        call.reply = "closed"
        connection.abort()
        await receive()
        return
    pieces = [reply.body]
    if wrong.reply == TRUNCATE:
        pieces = [reply.body[: len(reply.body) // 2]]
    elif wrong.reply == DRIP:
        pieces = [bytes([each]) for each in reply.body]
    call.reply = {TRUNCATE: "truncated", DRIP: "dripped"}.get(wrong.reply, str(reply.status))
    call.code = code_of(reply)
    headers = {**reply.headers, "content-length": str(len(reply.body))}
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    for piece in pieces:
        if connection.is_closing():
            return
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        if wrong.reply == DRIP:
            await asyncio.sleep(wrong.drip_ms / 1000)
    if wrong.reply == TRUNCATE:
        connection.close()
        await receive()
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def code_of(reply: Answer) -> int | None:
    """Return the number of a refusal, None where it says none."""
    with contextlib.suppress(ValueError, AttributeError):
        found = json.loads(reply.body).get("code") if reply.status >= HTTPStatus.BAD_REQUEST else 0
        return found if isinstance(found, int) and found < 0 else None
    return None


def said(wrong: Misbehaviour) -> Answer:
    """Return the planned answer."""
    headers = dict(wrong.headers)
    if wrong.body is not None:
        return Answer(wrong.status, wrong.body.encode(), {"content-type": "text/html"} | headers)
    return as_json(wrong.status, {"code": wrong.code, "msg": wrong.message}, headers)
