"""Numbers, times and texts of others, as people read them; never longer than a page can bear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

NS, NS_PER_MS = 10**9, 10**6
MINUTE_S, HOUR_S, MS_PER_S = 60, 3600, 1000
#: So much of a text that comes from elsewhere is shown.
MOST_TEXT = 240
#: Shares of a second are told for steps below these.
WHOLE_SECONDS = NS
TENTH = NS // 10
#: From here on decimals say nothing.
EXACT_BELOW = 10


def cut(text: object, most: int = MOST_TEXT) -> str:
    """Return a text as one line, its end left out where it is long."""
    line = printable(str(text)[: most + 1])
    return line if len(line) <= most else f"{line[: most - 1]}…"


def printable(text: str) -> str:
    """Return a text without what is no sign: ends of lines, controls, turns of direction."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " for each in text)


def number(value: float) -> str:
    """Return a number with its thousands apart, and decimals where they say something."""
    if value == int(value) or abs(value) >= 100 * EXACT_BELOW:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) < EXACT_BELOW else f"{value:,.1f}"


def many(count: int, one: str, more: str = "") -> str:
    """Return how many there are of something."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def listed(names: Iterable[str], most: int = 5) -> str:
    """Return some names as a list in a sentence, each once."""
    every = list(dict.fromkeys(names))
    left = len(every) - most
    if left > 0:
        return f"{', '.join(every[:most])} and {left:,} more"
    return " and ".join(filter(None, (", ".join(every[:-1]), *every[-1:])))


def lasted(ns: int) -> str:
    """Return a time's length: 4 min 10 s, 3.2 s, 120 ms."""
    whole = ns // NS
    if whole >= HOUR_S:
        return f"{whole // HOUR_S:,} h {whole // MINUTE_S % 60} min"
    if whole >= MINUTE_S:
        return f"{whole // MINUTE_S} min {whole % MINUTE_S} s"
    if whole >= 1:
        return f"{ns / NS:.1f} s"
    return f"{ns / NS_PER_MS:.3g} ms"


def milliseconds(ms: float) -> str:
    """Return a latency with its unit."""
    if ms >= MINUTE_S * MS_PER_S:
        return lasted(int(ms * NS_PER_MS))
    return f"{ms:.3g} ms" if ms < MS_PER_S else f"{ms / MS_PER_S:.3g} s"


def moment(ns: int, step_ns: int = WHOLE_SECONDS) -> str:
    """Return a time since the beginning: 1:05, 1:00:05; with decimals for steps below a second."""
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    whole = ns // NS
    text = f"{whole // MINUTE_S}:{whole % MINUTE_S:02d}"
    if whole >= HOUR_S:
        text = f"{whole // HOUR_S}:{whole // MINUTE_S % 60:02d}:{whole % MINUTE_S:02d}"
    if step_ns < WHOLE_SECONDS:
        digits = 1 if step_ns >= TENTH else 3
        text += f".{ns % NS // NS_PER_MS:03d}"[: digits + 1]
    return sign + text


def date(ns: int) -> str:
    """Return a moment in UTC, "" for one that no calendar has."""
    try:
        return datetime.fromtimestamp(ns // NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return ""


def first_of(items: Sequence[str], most: int) -> list[str]:
    """Return as many texts as can be borne, cut, and how many are left out."""
    left = len(items) - most
    return [cut(each) for each in items[:most]] + ([f"and {left:,} more"] if left > 0 else [])
