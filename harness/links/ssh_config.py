"""What the laptop's ssh_config says about a name: Host, Match and Include, as ssh reads them."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from paramiko.config import SSHConfig
from paramiko.ssh_exception import SSHException

from harness.errors import ConfigurationError

#: The first value found for a key holds, so the person's own file comes first.
FILES = (Path("~/.ssh/config"), Path("/etc/ssh/ssh_config"))
#: How deep files may include each other; ssh's own limit.
DEEPEST = 16


def lookup(name: str, *, user: str | None = None, port: int | None = None) -> Mapping[str, Any]:
    """Return ssh_config's words for a name, keys in lower case, in the order they were found.

    `user` and `port` are what the inventory says: they win, and stand in ProxyCommand's %r and %p.
    Raises ConfigurationError.
    """
    said = [f"User {user}\n"] if user else []
    said += [f"Port {port}\n"] if port else []
    config = SSHConfig()
    try:
        for text in ("".join(said), *(_expanded(path.expanduser()) for path in FILES)):
            config.parse(io.StringIO(text))
        found: Mapping[str, Any] = config.lookup(name)
    except (OSError, ValueError, KeyError, SSHException) as error:
        raise ConfigurationError(
            f"ssh_config cannot be used for {name}: {error}", step="ssh_config",
            action=f"ssh -G {shlex.quote(name)}",
        ) from error  # fmt: skip
    return found


def _expanded(path: Path) -> str:
    return "".join(_lines(path, path.parent, 0)) if path.is_file() else ""


def _lines(path: Path, folder: Path, depth: int) -> Iterator[str]:
    """Yield a file's lines with its Includes in their place."""
    if depth > DEEPEST:
        raise ValueError(f"{path}: files include each other too deeply")
    block = ""
    for line in path.read_text(errors="replace").splitlines():
        key, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        if key.lower() in {"host", "match"}:
            block = line
        if key.lower() != "include":
            yield f"{line}\n"
            continue
        for each in _included(rest, folder):
            lines = list(_lines(each, folder, depth + 1))
            if block and any(_opens_a_block(one) for one in lines):
                # it would hold only where the outer block does: better said than guessed
                raise ValueError(f"{each} has Host or Match, and is included inside `{block}`")
            yield from lines
            yield f"{block or 'Host *'}\n"


def _opens_a_block(line: str) -> bool:
    return line.strip().replace("=", " ").lower().startswith(("host ", "match "))


def _included(rest: str, folder: Path) -> Iterator[Path]:
    for pattern in shlex.split(rest):
        whole = folder / Path(pattern).expanduser()
        yield from sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))
