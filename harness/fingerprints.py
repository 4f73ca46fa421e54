"""Compare what two looks at a host saw of all that a fault may touch. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return a line for each difference; none means that the host is back at its baseline."""
    return list(_differing("", before, after))


def _differing(where: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            inside = f"{where}: {key}" if where else str(key)
            if key not in before:
                yield f"{inside} is new: {after[key]!r}"
            elif key not in after:
                yield f"{inside} is gone: {before[key]!r}"
            else:
                yield from _differing(inside, before[key], after[key])
    elif isinstance(before, list) and isinstance(after, list):
        gone = [each for each in before if each not in after]
        new = [each for each in after if each not in before]
        yield from (f"{where}: gone: {each!r}" for each in gone)
        yield from (f"{where}: new: {each!r}" for each in new)
        if not gone and not new:
            yield f"{where}: in another order, or another number of times"
    else:
        yield f"{where}: {before!r} became {after!r}"
