"""Stand marks in for the digests of secrets, so that a record cannot be used to try passwords.

A mark is made under a key of one run: equal marks mean equal content, and nothing else.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

#: Permission bits of everyone: a file without any is taken for a secret.
EVERYONE = 0o007


def is_secret(state: Mapping[str, Any]) -> bool:
    """Tell whether a path's state is that of a file which not everyone may read."""
    return state.get("kind") == "file" and not int(state.get("mode", 0)) & EVERYONE


def mark(digest: object, key: bytes) -> str:
    """Return what stands for a digest."""
    return "mark:" + hmac.digest(key, str(digest).encode(), "sha256").hex()[:24]


def marked(states: Mapping[str, Mapping[str, Any]], key: bytes) -> dict[str, dict[str, Any]]:
    """Return states of paths in which the digests of secret files are marks."""
    return {
        path: {**state, "sha256": mark(state["sha256"], key)}
        if is_secret(state) and "sha256" in state
        else dict(state)
        for path, state in states.items()
    }
