"""Tell what Python has compiled of a release's sources from anything else that lies there.

A service may write nothing and has a quota of the processor: without compiled files it compiles
all of its modules at every start. So they are written once, while the import is tried, and a file
of that kind counts only if it holds exactly what its source compiles to. This runs in the Python
that runs the release, which may be another one than the agent's.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
from collections.abc import Iterator

CACHE = "__pycache__"
#: magic number, flags, and the source's time and size or its hash
HEADER = 16


def compiled(folder: str) -> Iterator[str]:
    """Yield the compiled files below the folder that say what their sources say."""
    for here, _, names in os.walk(folder):
        if os.path.basename(here) == CACHE:
            yield from (os.path.join(here, name) for name in names if _agrees(here, name))


def _agrees(here: str, name: str) -> bool:
    path = os.path.join(here, name)
    if os.path.islink(path) or os.path.islink(here):
        return False
    try:
        source = importlib.util.source_from_cache(path)
        with open(path, "rb") as file:
            said = file.read()
        if said[:4] != importlib.util.MAGIC_NUMBER:
            return False
        with open(source, "rb") as file:
            meant = compile(file.read(), source, "exec", dont_inherit=True)
        return bool(marshal.loads(said[HEADER:]) == meant)  # noqa: S302  root's own folder
    except (OSError, ValueError, EOFError, TypeError, SyntaxError):
        return False


if __name__ == "__main__":
    for each in compiled(sys.argv[1]):
        os.write(1, os.fsencode(os.path.relpath(each, sys.argv[1])) + b"\n")
