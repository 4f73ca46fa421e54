"""Write down each call: what was asked, what it did, what was answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from fault_injection.exchange_simulator.misbehaving import LATE, NOW, Misbehaviour


class Answer(NamedTuple):
    """What the exchange would say, before anything happens to it on the way."""

    status: int
    body: bytes
    headers: dict[str, str]


def as_json(status: int, said: Any, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer in JSON."""
    return Answer(
        status, json.dumps(said).encode(), {"content-type": "application/json"} | (headers or {})
    )


@dataclass
class Call:
    """One request, from its arrival on."""

    number: int
    at_ms: int
    method: str
    path: str
    #: Its parameters, without the signature.
    words: dict[str, str]
    client_order_id: str
    #: Tell whoever holds the reply that something happened.
    wake: Callable[[], None]
    wrong: Misbehaviour | None = None
    answer: Answer | None = None
    effect: str = ""
    effect_at_ms: int | None = None
    #: What the caller got: a status, "closed", "held", "truncated", "dripped", "hung up" where it
    #: waited no longer; "" so far nothing.
    reply: str = ""
    code: int | None = None  #: the number of the refusal that the caller got
    wall_ms: int = 0  #: its arrival, by this machine's clock

    @property
    def when(self) -> str:
        """When the request reaches the engine: now, never, late."""
        return self.wrong.effect if self.wrong else NOW

    @property
    def in_flight(self) -> bool:
        """Whether it is on its way to the engine."""
        return self.when == LATE and self.answer is None

    def written(self) -> dict[str, Any]:
        """Return it as the log shows it."""
        return {
            "number": self.number,
            "at_ms": self.at_ms,
            "method": self.method,
            "path": self.path,
            "parameters": dict(self.words),
            "client_order_id": self.client_order_id,
            "wall_ms": self.wall_ms,
            "misbehaviour": self.wrong.name if self.wrong else "",
            "label": self.wrong.label if self.wrong else "",
            "effect": "in flight" if self.in_flight else self.effect,
            "effect_at_ms": self.effect_at_ms,
            "reply": self.reply,
            "code": self.code,
        }
