"""Make the entries that are measured with, and put them into a stream at once."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import hiredis

from fault_injection.workloads import apply_result, decision_made

Fields = Mapping[str, str]
SEED = 7
#: Turns a command's words into what goes over the wire.
pack: Callable[[tuple[str, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]
#: So many entries go to the server before their answers are read.
AT_ONCE = 500

#: Few symbols and reasons, as in most minutes; and as many as the targets speak of.
SYMBOLS, REASONS = apply_result.SYMBOLS[:6], ("none", "stale", "no_position", "limit", "cooldown")
MANY_SYMBOLS = tuple(f"COIN{number}USDT" for number in range(50))
MANY_REASONS = tuple(f"some_gate_said_no_{number}" for number in range(20))
DECISIONS = ("EXECUTE", "SKIP", "BLOCKED", "ERROR")


def simple(count: int, start_ms: int) -> Iterator[Fields]:
    """Yield apply results of four fields."""
    return _four_fields(count, start_ms, SYMBOLS, REASONS)


def wide(count: int, start_ms: int) -> Iterator[Fields]:
    """Yield the same over 50 symbols x 20 reasons: nearly every entry raises another field."""
    return _four_fields(count, start_ms, MANY_SYMBOLS, MANY_REASONS)


def real(count: int, start_ms: int) -> Iterator[Fields]:
    """Yield apply results of every shape that really occurs: six to nine fields, JSON in some."""
    return apply_result.events(SEED, count, start_ms)


def as_tasks(entries: Iterable[Fields], task: str) -> Iterator[Fields]:
    """Yield entries as taskiq's messages: it reads none but its own."""
    for number, fields in enumerate(entries):
        message = {
            "task_id": str(number),
            "task_name": task,
            "labels": {},
            "args": [],
            "kwargs": {"fields": fields},
        }
        yield {"data": json.dumps(message)}


def intents(count: int, start_ms: int) -> Iterator[Fields]:
    """Yield trade intents as the router writes them, each an order of its own, none with stops."""
    at = datetime.fromtimestamp(start_ms / 1000, UTC).isoformat(timespec="milliseconds")
    for number in range(count):
        payload = {
            "symbol": SYMBOLS[number % 4],
            # bought and sold in turn, so that positions stay small
            "side": "BUY" if number // 4 % 2 else "SELL",
            "position_size_usd": 100,
            "entry_price": 2,
            "leverage": 2,
        }
        yield {
            "event_type": "trade.intent",
            "payload": json.dumps(payload),
            "trace_id": f"bench-{start_ms}-{number}",
            "correlation_id": "",
            "timestamp": at,
            "source": "strategy_router",
        }


def decisions(count: int, start_ms: int) -> Iterator[Fields]:
    """Yield the decisions that such intents are made of, each another one."""
    for fields in intents(count, start_ms):
        yield {**fields, "event_type": "ai.decision.made", "source": "ai_engine"}


def real_decisions(count: int, start_ms: int) -> Iterator[Fields]:
    """Yield decisions of every shape that really occurs: some twice, some that cannot be read."""
    return decision_made.events(SEED, count, start_ms)


def load(port: int, stream: str, entries: Iterable[Fields]) -> int:
    """Add entries to a stream as fast as it goes; return how many."""
    waiting, many = iter(entries), 0
    with socket.create_connection(("127.0.0.1", port)) as link:
        answers = hiredis.Reader()
        while chunk := [packed(stream, fields) for fields in islice(waiting, AT_ONCE)]:
            link.sendall(b"".join(chunk))
            left = len(chunk)
            while left:
                answer = answers.gets()
                if answer is False:
                    answers.feed(link.recv(65_536))
                    continue
                if isinstance(answer, Exception):
                    raise answer
                left -= 1
            many += len(chunk)
    return many


def packed(stream: str, fields: Fields) -> bytes:
    """Return the XADD of an entry as it goes over the wire."""
    words = [word for pair in fields.items() for word in pair]
    return pack(("XADD", stream, "*", *words))


def forget(client: Any, *streams: str) -> None:
    """Leave nothing but the entries of `streams`."""
    for key in client.scan_iter(count=5_000):
        if key not in streams:
            client.unlink(key)
    for stream in streams:
        for group in client.xinfo_groups(stream) if client.exists(stream) else ():
            client.xgroup_destroy(stream, group["name"])


def _four_fields(
    count: int, start_ms: int, symbols: tuple[str, ...], reasons: tuple[str, ...]
) -> Iterator[Fields]:
    chance = random.Random(SEED)  # noqa: S311  the same entries each time
    pick: Callable[[tuple[str, ...]], str] = chance.choice
    for number in range(count):
        behind_ms = apply_result.SPAN_MS - apply_result.SPAN_MS * number // count
        yield {
            "decision": pick(DECISIONS),
            "symbol": pick(symbols),
            "error": pick(reasons),
            "timestamp": str((start_ms - behind_ms) // 1000),
        }
