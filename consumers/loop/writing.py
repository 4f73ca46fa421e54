"""Write JSON fast, whatever the texts in it are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson


def as_json(value: object, default: Callable[[Any], Any] | None = None) -> bytes:
    """Return a value as JSON in UTF-8; `default` makes something of what JSON has no word for.

    Half a surrogate pair, which JSON from elsewhere may bring and UTF-8 cannot say, becomes "?".
    """
    try:
        return orjson.dumps(value, default)
    except orjson.JSONEncodeError:
        # also for numbers beyond 64 bits
        return json.dumps(value, ensure_ascii=False, default=default).encode("utf-8", "replace")
