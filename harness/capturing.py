"""Bring home what a hand changed on a host: to the template's line, or to the variable behind it.

Pure. Whatever looks like the right place is only a guess: it is taken when rendering with it gives
exactly what the hand wrote, and what no guess explains is kept as it was found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.edits import Change, Edit, applied, changes
from harness.guesses import Templates, Traced, edits, set_again, values, why
from harness.tracing import lines_of

#: A name that promises a secret, with something behind it; and Redis's way to name users.
_SECRET = re.compile(
    r"(pass|secret|token|auth|(?<!load)credential|(api|private|access)_?key)\w*[\s=:]+\S"
    r"|^\s*user\s",
    re.IGNORECASE,
)


#: Returns a file's text as these edits and these variables would make it; None if they cannot.
Renders = Callable[[Sequence[Edit], Mapping[str, object]], str | None]


@dataclass
class Captured:
    """What became of the changes of one file."""

    edits: list[Edit] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)
    rest: list[Change] = field(default_factory=list)  #: belongs nowhere that we know of
    why: list[str] = field(default_factory=list)  #: a reason for each of the rest
    withheld: int = 0  #: lines that may hold a secret
    doubled: list[str] = field(default_factory=list)  #: variables that a line more had set again


def secretive(line: str, secrets: Sequence[str]) -> bool:
    """Tell whether a line may hold a secret: one that we know, or by the name in front of it."""
    return bool(_SECRET.search(line)) or any(secret in line for secret in secrets)


def capture(
    hand: str,
    traced: Traced,
    templates: Templates,
    render: Renders,
    variables: Mapping[str, object],
    hidden: Callable[[Change], bool],
) -> Captured:
    """Explain each change between what was deployed, as `traced`, and what is there by now.

    `variables` are the inventory's, as they are; what is `hidden` is counted and goes nowhere.
    """
    old = [line for line, _ in traced]
    found, taken = Captured(), list[Change]()
    for change in changes(old, lines_of(hand)):
        if hidden(change):
            found.withheld += max(1, len(change.new))
            continue
        doubled = set_again(change, old, variables)
        expected = "".join(applied(old, [*taken, doubled or change]))
        guessed = values(doubled or change, traced, templates, variables)
        right = {
            name: value for name, value in guessed
            if render(found.edits, {**found.settings, name: value}) == expected
        }  # fmt: skip
        if len(right) == 1:
            found.settings |= right
            found.doubled += list(right) if doubled else []
            taken.append(doubled or change)
            continue
        expected = "".join(applied(old, [*taken, change]))
        for edit in edits(change, traced, templates):
            if render([*found.edits, edit], found.settings) == expected:
                found.edits.append(edit)
                taken.append(change)
                break
        else:
            found.rest.append(change)
            found.why.append(why(change, traced, templates, sorted(right)))
    return found
