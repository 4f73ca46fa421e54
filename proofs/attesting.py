"""Ask the agent what is deployed and what runs, without knowing beforehand what that is.

The units' own files say which environment, credentials and release they use, so a proof needs
no plan and no inventory to find what must be re-hashed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from harness.manifests import unit_files

CREDENTIALS = "/etc/quantum/credentials/"
RELEASE = re.compile(r"/opt/quantum/releases/([0-9a-f]{16,64})(?![0-9a-f])")
CREDENTIAL = re.compile(r"^LoadCredential=([^:\s]+):(\S+)$", re.MULTILINE)


class Asked(Protocol):
    """The part of harness.session.Session that is asked here."""

    @property
    def observe(self) -> Callable[..., Mapping[str, Any]]:
        """Return states with the text of files that are not secret."""

    @property
    def attest(self) -> Callable[..., Mapping[str, Any]]:
        """Return states, releases re-hashed, and the newest manifest."""


def attest(session: Asked, about: Collection[str] | None = None) -> dict[str, Any]:
    """Return the agent's testimony about everything the newest manifest names.

    With `about`, about those paths of it, and the units whose files are among them.

    Shape: the reply to "attest", and "text" in the states of the units' files and of what they
    name as environment. Credentials and other secrets never come with text.
    """
    manifest = session.attest(releases=[], paths=[], units={}).get("manifest") or {}
    if about is not None:
        manifest = {path: state for path, state in manifest.items() if path in about}
    files = unit_files(manifest)
    texts = _texts(session, [path for paths in files.values() for path in paths])
    environments = {
        path for text in texts.values() for path in environment_files(text) if path in manifest
    }
    texts |= _texts(session, sorted(environments))
    units = {}
    for unit, paths in files.items():
        text = "\n".join(texts.get(path, "") for path in paths)
        units[unit] = {"credentials": dict(CREDENTIAL.findall(text))}
    releases = sorted({digest for text in texts.values() for digest in RELEASE.findall(text)})
    said = dict(session.attest(releases=releases, paths=sorted(manifest), units=units))
    states = {path: dict(state) for path, state in said["paths"].items()}
    for path, state in states.items():
        state.pop("text", None)
        if path in texts:
            state["text"] = texts[path]
    return {**said, "manifest": manifest, "paths": states}


def environment_files(unit_text: str) -> list[str]:
    """Return the files that a unit takes its environment from."""
    words = re.findall(r"^EnvironmentFile=-?(\S+)$", unit_text, re.MULTILINE)
    return [word for word in words if not word.startswith(CREDENTIALS)]


def _texts(session: Asked, paths: list[str]) -> dict[str, str]:
    if not paths:
        return {}
    said = session.observe(
        paths=dict.fromkeys(paths), secret=[], units={}, packages=[], releases=[]
    )
    return {path: str(s["text"]) for path, s in said["paths"].items() if s.get("text") is not None}
