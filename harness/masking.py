"""A secret that cannot be printed by accident."""

from __future__ import annotations

import hmac


class Secret:
    """Bytes that show as `***` in repr, str, format, logs, diffs and tracebacks.

    Compared in constant time; not hashable and not picklable, so that it cannot slip into a
    cache key or a record. `reveal()` is the one way out, and easy to grep for.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: str | bytes) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """Return the raw bytes."""
        return self._value

    def reveal_text(self) -> str:
        """Return the value as UTF-8 text."""
        return self._value.decode()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")
