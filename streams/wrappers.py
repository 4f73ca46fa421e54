"""Open what an entry is wrapped in, and gather what it says under each name, as it was written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Layer = Mapping[str, Any]
#: name -> the texts said under it, trimmed, the outermost first; what says nothing is not there.
Said = dict[str, list[str]]

WRAPPERS = ("payload", "data")
#: How many wrappers an entry may have: twice nested, and some to spare.
WRAPPERS_MOST = 4
_NOTHING = frozenset(("", "none", "null"))
#: No longer than these with some blanks around them, in characters.
_NOTHING_CHARS = 16

# numbers stay texts: exact, and none is too long to be read
_decode = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).decode


class FieldError(ValueError):
    """A field that cannot be read, or that others contradict; the text is the reason."""


def layers_of(fields: Layer) -> list[Layer]:
    """Return the entry's own fields and those of each wrapper in it, the outermost first.

    Raises FieldError for a wrapper that holds no JSON object.
    """
    layers = [fields]
    for layer in layers:  # it grows meanwhile
        for name in WRAPPERS:
            if name not in layer:
                continue
            value = layer[name]
            if _says_nothing(value):
                continue
            if len(layers) > WRAPPERS_MOST:
                raise FieldError("bad_json:too many wrappers")
            layers.append(_object(value))
    return layers


def _says_nothing(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _NOTHING_CHARS and value.strip().lower() in _NOTHING
    return value is None


def _object(value: Any) -> Layer:
    """Return the object in a wrapper; its JSON may have been written as JSON once more."""
    for _ in range(WRAPPERS_MOST):
        if isinstance(value, Mapping):
            return value
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str):
            break
        try:
            value = _decode(value)
        except (ValueError, RecursionError):
            break
    raise FieldError("bad_json:no object")


def gather(layers: Sequence[Layer], wanted: frozenset[str]) -> Said:
    """Return what is said under the wanted names; a value that is no scalar raises FieldError."""
    said: Said = {}
    for layer in layers:
        for name, value in layer.items():
            if name not in wanted:
                continue
            text = value.strip() if isinstance(value, str) else _written(name, value)
            if len(text) > _NOTHING_CHARS or text.lower() not in _NOTHING:
                if name in said:
                    said[name].append(text)
                else:
                    said[name] = [text]
    return said


def _written(name: str, value: object) -> str:
    """Return a scalar as JSON writes it."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        try:
            return str(value)
        except ValueError:  # more digits than Python writes
            pass
    raise FieldError(f"bad_{name}")
