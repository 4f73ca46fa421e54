"""A happening as a line of JSON, and back. Pure; what cannot be read raises ValueError."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from sys import intern
from typing import Any

from fault_injection.history.happenings import KINDS, Happening

_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
_KIND_OF = {kind: word for word, kind in KINDS.items()}


def _json_type(of: Field[Any]) -> type:
    """Return what a field is in JSON, by its annotation."""
    word = str(of.type).partition("[")[0]
    return {"str": str, "int": int, "bool": bool, "tuple": list, "Mapping": dict}[word]


#: kind -> its fields, by name -> what they are in JSON
_TYPES = {kind: {each.name: _json_type(each) for each in fields(kind)} for kind in KINDS.values()}
#: Ids stand in many lines: one text for all of them, which compares by its place alone.
_IDS = ("flow", "stream", "op", "identity", "entry", "consumer", "key")
_DEFAULTS: dict[type[Happening], dict[str, Any]] = {
    kind: {
        each.name: each.default for each in fields(kind)
        if each.default is not MISSING and each.name not in {"n", "wall_ns", "mono_ns"}
    }
    for kind in KINDS.values()
}  # fmt: skip
_OWN = {
    kind: tuple(name for name in types if name not in {"n", "wall_ns", "mono_ns"})
    for kind, types in _TYPES.items()
}


def encoded(what: Happening, n: int, wall_ns: int, mono_ns: int) -> bytes:
    """Return a line with its end; what stands at its default is left out."""
    kind = type(what)
    said: dict[str, Any] = {"n": n, "is": _KIND_OF[kind]}
    said["wall_ns"], said["mono_ns"] = what.wall_ns or wall_ns, mono_ns
    defaults = _DEFAULTS[kind]
    for name in _OWN[kind]:
        value = getattr(what, name)
        if name not in defaults or value != defaults[name]:
            said[name] = value
    return _encode(said).encode("ascii") + b"\n"


def decoded(line: bytes) -> Happening:
    """Return what a line says; raises ValueError."""
    try:
        said = json.loads(line.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return values_of([said])[0]


def values_of(many: Iterable[dict[str, Any]]) -> list[Happening]:
    """Return the happenings that objects of JSON say; raises ValueError."""
    found: list[Happening] = []
    look = _KNOWN.get
    try:
        for said in many:
            shape = (said.pop("is"), *said, *map(type, said.values()))
            kind, ids, tuples = look(shape) or _known(shape, said)
            for name in ids:
                said[name] = intern(said[name])
            for name in tuples:
                said[name] = tuple(said[name])
            found.append(kind(**said))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no line of ours: {error}") from error
    return found


#: What lines of one kind with the same fields have in common: the kind, which of the fields are
#: ids, and which are tuples.
_Shape = tuple[type[Happening], tuple[str, ...], tuple[str, ...]]
#: Kinds with names and types of their fields that were looked at once, and are well: a history has
#: few different ones.
_KNOWN: dict[tuple[Any, ...], _Shape] = {}


def _known(shape: tuple[Any, ...], said: dict[str, Any]) -> _Shape:
    kind = KINDS[shape[0]]
    types = _TYPES[kind]
    for name, value in said.items():
        if type(value) is not types[name]:
            raise ValueError(f"{name} is {type(value).__name__}")
    ids = tuple(name for name in _IDS if name in said)
    tuples = tuple(name for name in said if types[name] is list)
    return _KNOWN.setdefault(shape, (kind, ids, tuples))
