"""Tell of each line of a rendered text which line of which template it came from.

Pure. The template is rendered with marks in it: control characters, which no template holds and no
value may bring along, so that a mark is never taken for text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

#: A mark: where what follows stands, and how many loops and branches it stands in.
_MARK = re.compile(r"\x00([^\x00\x01]*)\x01")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_WORDS = re.compile(r"[A-Za-z_]\w*")


def lines_of(text: str) -> list[str]:
    """Return the lines with their ends; only a line feed ends one."""
    return _LINE.findall(text)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one piece of a template's line became."""

    text: str
    expression: bool
    loops: int  #: it may come more than once
    branches: int  #: it may not come at all


@dataclass(frozen=True, slots=True)
class Origin:
    """The one line of a template that a rendered line is made of; `number` counts from 0."""

    source: str
    number: int
    pieces: tuple[Piece, ...]

    @property
    def literal(self) -> bool:
        """Tell whether nothing in it depends on anything."""
        return not any(piece.expression for piece in self.pieces)

    @property
    def looped(self) -> bool:
        """Tell whether the template's line stands for more than this one."""
        return any(piece.loops for piece in self.pieces)

    @property
    def branches(self) -> int:
        """Return how deep in conditions it stands."""
        return max(piece.branches for piece in self.pieces)


class Marking(Extension):
    """Puts a mark before each piece of a line, literal or expression."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Yield the template's tokens with marks between them."""
        depth = {"for": 0, "if": 0}
        begun = False
        for token in stream:
            if begun and token.type == "name":
                word = str(token.value)
                depth[word.removeprefix("end")] = depth.get(word.removeprefix("end"), 0) + (
                    -1 if word.startswith("end") else 1
                )
            begun = token.type == "block_begin"
            where = f"{stream.name}|{{}}|{depth['for']}|{depth['if']}"
            if token.type == "variable_begin":
                yield _data(token.lineno, f"\x00{where.format(token.lineno)}|e\x01")
            if token.type == "data":
                for number, line in enumerate(lines_of(token.value), token.lineno):
                    yield _data(number, f"\x00{where.format(number)}|\x01{line}")
            else:
                yield token


def _data(number: int, text: str) -> Token:
    return Token(number, "data", text)


def unmarked(text: str) -> str:
    """Return a text that was rendered with marks without them."""
    return _MARK.sub("", text)


def origins(marked: str) -> list[tuple[str, Origin | None]]:
    """Return each line, and where it came from if that is one line of one template."""
    found: list[tuple[str, Origin | None]] = []
    where, pieces, homeless = set[tuple[str, int]](), list[Piece](), False
    line = mark = ""
    for index, part in enumerate(_MARK.split(marked)):
        if index % 2:
            mark = part
            continue
        for text in lines_of(part):
            line += text
            if mark:
                source, number, loops, branches, kind = mark.split("|")
                where.add((source, int(number) - 1))
                pieces.append(Piece(text, bool(kind), int(loops), int(branches)))
            else:
                homeless = True
            if text.endswith("\n"):
                found.append((line, _origin(where, pieces, homeless=homeless)))
                where, pieces, homeless, line, mark = set(), [], False, "", ""
    if line:
        found.append((line, _origin(where, pieces, homeless=homeless)))
    return found


def _origin(where: set[tuple[str, int]], pieces: list[Piece], *, homeless: bool) -> Origin | None:
    if homeless or len(where) != 1:
        return None
    ((source, number),) = where
    return Origin(source, number, tuple(pieces))


def names_in(template_line: str) -> frozenset[str]:
    """Return every name in the expressions of a template's line."""
    expressions = " ".join(re.findall(r"{{(.*?)}}", template_line))
    return frozenset(_WORDS.findall(expressions))
