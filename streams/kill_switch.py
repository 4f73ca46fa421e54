"""Throw, look at and lift the kill switch: while it is down, nothing that adds exposure is placed.

begin.lua looks at the key in the same step in which it would let an order leave.
"""

from __future__ import annotations

import json
from typing import Any

from streams import scripting
from streams.intents import KILL_SWITCH


def order(who: str, when: str, why: str) -> str:
    """Return what the key says: JSON, for whoever finds trading switched off."""
    return json.dumps({"who": who, "when": when, "why": why})


def throw(client: Any, words: str) -> bool:
    """Throw it, over whatever was said before; tells whether it is down. Safe to repeat."""
    client.set(KILL_SWITCH, words)
    return bool(client.exists(KILL_SWITCH))


def hold(client: Any, words: str) -> Any:
    """Throw it where it is up, and return what it says then: somebody's words stay as they are.

    None: it was lifted again at this very moment.
    """
    client.set(KILL_SWITCH, words, nx=True)
    return client.get(KILL_SWITCH)


def lift(client: Any, seen: Any) -> bool:
    """Lift the one that was seen; False where somebody has thrown it since. Safe to repeat."""
    return bool(scripting.run(client, "lift", [KILL_SWITCH], [seen]))
