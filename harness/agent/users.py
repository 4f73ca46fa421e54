"""System users: made when they are missing, never changed and never removed."""

from __future__ import annotations

import pwd
import re
from collections.abc import Sequence

from .failing import AgentError
from .machine import Machine
from .processes import run

MAKE_WITHIN_S = 30.0
#: As Debian's adduser has it; a number would be somebody else's.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_WORDS = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
          "--shell", "/usr/sbin/nologin")  # fmt: skip


def known(machine: Machine, names: Sequence[str]) -> dict[str, bool]:
    """Tell which users there are; where owners are nobody's, there are all."""
    return {name: not machine.honour_owners or _is_known(name) for name in names}


def _is_known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def make(name: str) -> None:
    """Make a user who can do nothing but own things; raises AgentError."""
    if not _NAME.fullmatch(name):
        raise AgentError("request", f"{name!r} is no name for a user")
    ended = run((*_WORDS, "--", name), MAKE_WITHIN_S)
    if ended.code != 0:
        raise AgentError(
            "failed", ended.last_line or "useradd did not end", action=f"see `useradd {name}` there"
        )
