"""Where a change by hand may belong: the line of a template, or the variable behind it; pure.

Guesses, no more: who asks renders with each and believes what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.edits import Change, Edit, key
from harness.tracing import Origin, names_in

#: The lines of a text, with where each came from.
Traced = Sequence[tuple[str, Origin | None]]
#: Returns the lines of a template.
Templates = Callable[[str], Sequence[str]]
_EXPRESSION = re.compile(r"{{.*?}}")


def set_again(change: Change, old: Sequence[str], variables: Mapping[str, object]) -> Change | None:
    """Return the change of the line that an added one overrides; the last one said counts."""
    if change.first != change.last or "=" not in change.new[0]:
        return None
    name = key(change.new[0])
    if name.lower() not in variables:
        return None
    return next(
        (Change(n, n + 1, change.new) for n, line in enumerate(old) if key(line) == name), None
    )


def values(
    change: Change, traced: Traced, templates: Templates, variables: Mapping[str, object]
) -> Iterator[tuple[str, object]]:
    """Yield variables and values that may be behind a line that was changed in an expression."""
    if change.last - change.first != 1 or len(change.new) != 1:
        return
    line, origin = traced[change.first]
    if origin is None or origin.literal:
        return
    said = names_in(templates(origin.source)[origin.number]) | {key(line).lower()}
    texts = [piece.text for piece in origin.pieces]
    for place, piece in enumerate(origin.pieces):
        before, after = "".join(texts[:place]), "".join(texts[place + 1 :])
        new = change.new[0]
        fits = new.startswith(before) and new.endswith(after)
        if not piece.expression or not fits or len(new) < len(before) + len(after):
            continue
        value = _bare(new[len(before) : len(new) - len(after)])
        for name, current in variables.items():
            if name in said or _text(current) == _bare(piece.text):
                yield from ((name, typed) for typed in _typed(value, current))


def _bare(text: str) -> str:
    """Return a value without the quotes of an env file, redis.conf or unit file."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.replace("%%", "%")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _typed(text: str, current: object) -> Iterator[object]:
    """Yield the text as a value of the kind that the variable has."""
    try:
        if isinstance(current, bool):
            yield {"true": True, "false": False}[text.lower()]
        elif isinstance(current, int):
            yield int(text)
        elif isinstance(current, float):
            yield float(text)
        else:
            yield text
    except (KeyError, ValueError):
        return


def edits(change: Change, traced: Traced, templates: Templates) -> Iterator[Edit]:
    """Yield edits of a template that may be the change; none inside of a loop: it says more."""
    if any(mark in line for line in change.new for mark in ("{{", "{%", "{#")):
        return
    if change.first == change.last:
        yield from _beside(change, traced)
        return
    line, origin = traced[change.first]
    if origin is None or origin.looped:
        return
    was = templates(origin.source)[origin.number]
    new = change.new
    if new and (not origin.literal or was != line):
        again = _around(was, origin, new[0])
        if again is None:
            return
        new = (again,)
    yield Edit(origin.source, origin.number, origin.number + 1, new)


def _beside(change: Change, traced: Traced) -> Iterator[Edit]:
    """Yield the places after the line before and before the line after, the surer one first."""
    around = ((change.first - 1, 1), (change.first, 0))
    spots = [(traced[n][1], more) for n, more in around if 0 <= n < len(traced)]
    known = [(origin, more) for origin, more in spots if origin is not None and not origin.looped]
    for origin, more in sorted(known, key=lambda spot: spot[0].branches):
        yield Edit(origin.source, origin.number + more, origin.number + more, change.new)


def _around(was: str, origin: Origin, new: str) -> str | None:
    """Return the template's line with what was changed around its expressions, if that is clear."""
    sources = _EXPRESSION.findall(was)
    values = [piece.text for piece in origin.pieces if piece.expression]
    whole = [rf"(?<!\w){re.escape(value)}(?!\w)" for value in values]
    if len(sources) != len(values) or not all(len(re.findall(w, new)) == 1 for w in whole):
        return None
    parts = re.fullmatch("(.*?)" + "".join(f"{each}(.*?)" for each in whole), new, re.DOTALL)
    if parts is None:
        return None
    ends = [text for pair in zip(sources, parts.groups()[1:], strict=True) for text in pair]
    return "".join((parts[1], *ends))


def why(change: Change, traced: Traced, templates: Templates, names: Sequence[str]) -> str:
    """Return in words why a change belongs nowhere that we know of."""
    if names:
        return f"more than one variable would do that: {', '.join(names)}"
    origin = traced[min(change.first, len(traced) - 1)][1] if traced else None
    if origin is None or change.first == change.last:
        return "no one line of a template is its place"
    was = templates(origin.source)[origin.number]
    if origin.literal:
        return f"it has no place of its own in templates/{origin.source}"
    made_by = " ".join(_EXPRESSION.findall(was))
    return f"{made_by} in templates/{origin.source} makes it, which no one variable is behind"
