"""Show what a change would do to a file, as a unified diff that never shows a secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from harness.desired import DesiredPath

#: Longer diffs say how much they leave out: a plan is read by a person.
MOST_LINES = 400


def describe(before: Mapping[str, Any], wanted: DesiredPath) -> tuple[str, ...]:
    """Return the lines that tell how `wanted` differs from the observed state `before`."""
    lines = list(_attributes(before, wanted))
    if wanted.kind == "symlink":
        if before.get("target") != wanted.target:
            lines.append(f"-> {wanted.target}")
    elif wanted.kind == "file" and before.get("sha256") != wanted.sha256:
        lines += _content(before, wanted)
    return tuple(lines)


def told(state: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines of a text that is taken away."""
    return tuple(f"-{line}" for line in str(state.get("text", "")).splitlines()[:MOST_LINES])


def _attributes(before: Mapping[str, Any], wanted: DesiredPath) -> Iterable[str]:
    if before["kind"] == "absent" or wanted.kind == "symlink":
        return
    if before["kind"] != wanted.kind:
        yield f"kind {before['kind']} -> {wanted.kind}"
        return
    if before.get("mode") != wanted.mode:
        yield f"mode {before.get('mode', 0):04o} -> {wanted.mode:04o}"
    had, wants = f"{before.get('owner')}:{before.get('group')}", f"{wanted.owner}:{wanted.group}"
    if had != wants:
        yield f"owner {had} -> {wants}"


def _content(before: Mapping[str, Any], wanted: DesiredPath) -> Iterable[str]:
    if wanted.secret:
        yield "secret content *** -> ***" if before["kind"] == "file" else "secret content ***"
        return
    try:
        new = wanted.content.decode().splitlines()
    except UnicodeDecodeError:
        yield f"binary content, {len(wanted.content)} bytes"
        return
    if before["kind"] == "file" and "text" not in before:
        yield f"content of {before.get('size', '?')} bytes replaced (too large or no text to show)"
        return
    old = str(before.get("text", "")).splitlines()
    name = wanted.path.lstrip("/")
    came_from = f"a/{name}" if before["kind"] == "file" else "/dev/null"
    diff = list(difflib.unified_diff(old, new, came_from, f"b/{name}", lineterm=""))
    yield from diff[:MOST_LINES]
    if len(diff) > MOST_LINES:
        yield f"... {len(diff) - MOST_LINES} more lines"
