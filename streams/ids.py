"""Entry ids: put in order as Redis orders them, and read as a time."""

from __future__ import annotations

#: Below every entry.
ZERO = "0-0"


def id_key(entry_id: str) -> tuple[int, int]:
    """Return (milliseconds, sequence), which compares as Redis does; ValueError for anything else.

    The sequence may be missing ("5" is "5-0"), as in Redis's own arguments.
    """
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def id_ms(entry_id: str) -> int:
    """Return the milliseconds of an entry id, 0 for what is no id; never raises."""
    try:
        return int(entry_id.partition("-")[0])
    except ValueError:
        return 0
