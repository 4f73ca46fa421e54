"""What turns one text into another, line by line, and the same of a template; pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """Lines `first` to `last` (excluded) of a text are these by now."""

    first: int
    last: int
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """The same of a template."""

    source: str
    first: int
    last: int
    new: tuple[str, ...]


def changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """Return what turns the old lines into the new ones, a line at a time where that can be told.

    Lines that set the same name belong together, whatever was put between them.
    """
    found = []
    for tag, a, b, c, d in _opcodes(old, new):
        if tag == "equal":
            continue
        for _, e, f, g, h in _opcodes([*map(key, old[a:b])], [*map(key, new[c:d])]):
            pairs = min(f - e, h - g)
            found += [Change(a + e + n, a + e + n + 1, (new[c + g + n],)) for n in range(pairs)]
            found += [Change(a + n, a + n + 1, ()) for n in range(e + pairs, f)]
            found += [Change(a + f, a + f, (line,)) for line in new[c + g + pairs : c + h]]
    return found


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    return list(difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes())


def key(line: str) -> str:
    """Return the name that a line sets."""
    return re.split(r"[=\s]", line.strip(), maxsplit=1)[0]


def applied(lines: Sequence[str], made: Sequence[Change | Edit]) -> list[str]:
    """Return the lines with the changes in them; those at one place keep their order."""
    result = list(lines)
    last_first = sorted(
        enumerate(made), key=lambda one: (one[1].first, one[1].last, one[0]), reverse=True
    )
    for _, each in last_first:
        result[each.first : each.last] = each.new
    return result


def unified(old: Sequence[str], new: Sequence[str], before: str, after: str, context: int) -> str:
    """Return a unified diff that `git apply` takes; lines come with their ends."""
    made = difflib.unified_diff(old, new, before, after, n=context)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in made
    )
