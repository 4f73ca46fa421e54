"""Read one setting's text strictly; a ValueError says what is wanted instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def number(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Return a reader of numbers with or without a fraction, from `low` to `high`."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not low <= float(text) <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(text)

    return parse


def decimal(low: int | str, high: int | str) -> Callable[[str], Decimal]:
    """Return a reader of exact numbers, for money and sizes, from `low` to `high`."""

    def parse(text: str) -> Decimal:
        plain = re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text)
        if not plain or not Decimal(low) <= Decimal(text) <= Decimal(high):
            raise ValueError(f"a number from {low} to {high}")
        return Decimal(text)

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """Return a reader of one of these words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError("one of " + ", ".join(words))
        return text

    return parse


def truth(text: str) -> bool:
    """Read true or false, in the spellings that env files have."""
    if text.lower() not in _TRUTH:
        raise ValueError("true or false")
    return _TRUTH[text.lower()]


def name(text: str) -> str:
    """Read a name: it goes into keys, into ids of consumers and onto lines of the log."""
    if not text or not text.isprintable() or any(each.isspace() for each in text):
        raise ValueError("a name without spaces")
    return text


def optional_name(text: str) -> str:
    """Read a name or nothing."""
    return name(text) if text else ""


def unset(why: str, *harmless: str) -> Callable[[str], str]:
    """Return a reader that takes nothing but "" and the harmless values, and says why."""

    def parse(text: str) -> str:
        if text and text not in harmless:
            raise ValueError(f"unset, for {why}")
        return text

    return parse
