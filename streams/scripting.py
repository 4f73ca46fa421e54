"""Run the Lua scripts of streams/scripts: by digest, by text where the server has not met them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError

FOLDER = Path(__file__).parent / "scripts"
#: A line that stands for a part which several scripts share: Lua in Redis can load none itself.
PART = re.compile(r"^-- @part ([a-z_]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and the digest under which a server keeps it."""

    text: str
    sha1: str


@cache
def load(name: str) -> Script:
    """Return the script scripts/<name>.lua, with its parts (scripts/parts) in their places."""
    text = PART.sub(lambda found: _read(f"parts/{found[1]}"), _read(name))
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _read(name: str) -> str:
    return (FOLDER / f"{name}.lua").read_text(encoding="utf-8")


def words(
    name: str, keys: Sequence[str], args: Sequence[str | int | bytes]
) -> tuple[str | int | bytes, ...]:
    """Return the command that runs a script by its text, for use inside a MULTI.

    There a digest would not do: an unknown one fails while the commands after it still run.
    """
    return ("EVAL", load(name).text, len(keys), *keys, *args)


def run(client: Any, name: str, keys: Sequence[str], args: Sequence[str | int | bytes]) -> Any:
    """Run a script and return its answer; redis-py's errors pass through."""
    script = load(name)
    try:
        return client.execute_command("EVALSHA", script.sha1, len(keys), *keys, *args)
    except NoScriptError:
        # the answer says that nothing ran, so running it now is no repetition
        return client.execute_command("EVAL", script.text, len(keys), *keys, *args)
