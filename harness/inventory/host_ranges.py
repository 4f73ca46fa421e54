"""Unfold Ansible's ranges in host names: lab[1:3], lab[01:10], rack-[a:c], web[1:9:2]."""

from __future__ import annotations

import re
import string
from itertools import islice

#: One name stands for no more hosts than this.
MOST_HOSTS = 1000
_RANGE = re.compile(r"\[([0-9]+|[A-Za-z]):([0-9]+|[A-Za-z])(?::([0-9]+))?\]")


def unfold(name: str) -> list[str]:
    """Return the names that `name` stands for, in order; raises ValueError with the reason."""
    found = _RANGE.search(name)
    if not found:
        if re.search(r"[\[\]]", name):
            raise ValueError("a range is written [1:3], [01:10], [a:c] or [1:9:2]")
        return [name]
    head, tail = name[: found.start()], name[found.end() :]
    tails = unfold(tail)
    names = [head + each + rest for each in _values(*found.groups()) for rest in tails]
    if len(names) > MOST_HOSTS:
        raise ValueError(f"stands for more than {MOST_HOSTS} hosts")
    return names


def _values(first: str, last: str, step: str | None) -> list[str]:
    stride = int(step or 1)
    if not stride:
        raise ValueError("a step of 0 never arrives")
    if first.isdigit() and last.isdigit():
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        if width and len(last) != width:
            raise ValueError("with leading zeros both ends need as many digits")
        if int(first) > int(last):
            raise ValueError("the range ends before it begins")
        numbers = range(int(first), int(last) + 1, stride)
        return [str(number).zfill(width) for number in islice(numbers, MOST_HOSTS + 1)]
    letters = string.ascii_letters
    if first.isdigit() or last.isdigit() or first.islower() != last.islower():
        raise ValueError("a range goes from number to number or from letter to letter")
    if letters.index(first) > letters.index(last):
        raise ValueError("the range ends before it begins")
    return list(letters[letters.index(first) : letters.index(last) + 1 : stride])
