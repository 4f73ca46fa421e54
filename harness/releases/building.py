"""Build the release for a host: our streams/ and consumers/ with their locked dependencies.

The same sources, lock and target give the same bytes anywhere. Dependencies are kept apart from
sources in .cache/releases, so that pip runs once per lock and target, and not at all offline.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ReleaseError
from harness.releases import locks as release_locks
from harness.releases import remembering
from harness.releases import trees as release_trees
from harness.releases.locks import Target, lock_of, target_of
from harness.releases.remembering import Listing, Remembered
from harness.releases.trees import Tree

PROJECT = Path(__file__).resolve().parents[2]
CACHE = PROJECT / ".cache" / "releases"
#: Raised when what is kept under a key would be made differently.
FORMAT = 1
#: Archives are kept so many; each change of a source makes another of about a megabyte.
MOST_ARCHIVES = 16

__all__ = ["Release", "Target", "build", "target_of"]


@dataclass(frozen=True, slots=True)
class Release:
    """One release: its digest names the directory on the host, the archive is what is sent."""

    digest: str
    archive: bytes
    blob_sha256: str  #: digest of the archive
    tree: Listing
    target: Target
    lock: str  #: name of the lock file


def build(
    target: Target,
    sources: Path = PROJECT,
    *,
    cache: Path = CACHE,
    requirements: Path = PROJECT / "requirements",
    fetch: Callable[[Target, Path], Tree] = release_locks.fetch,
) -> Release:
    """Return the release of the streams/ and consumers/ below `sources` for `target`.

    Raises ReleaseError: no lock for the target, pip failed, merge markers in a source.
    """
    own = release_trees.sources(sources)
    lock = lock_of(target, requirements)
    key = _key(target, _read(lock))
    inputs = hashlib.sha256(f"{key} {release_trees.digest(own)}".encode()).hexdigest()
    try:
        made = remembering.recall(cache, inputs)
        if made is None:
            made = _make(cache, key, own, lambda: fetch(target, lock))
            _keep(remembering.note(cache, inputs), remembering.told(made))
            _forget_oldest(cache)
    except OSError as error:
        raise ReleaseError(
            f"{error.strerror or error}: {error.filename or cache}", step="release",
            action=f"check {cache}, and that the disk is not full",
        ) from None  # fmt: skip
    return Release(made.digest, made.archive, made.blob_sha256, made.tree, target, lock.name)


def _make(cache: Path, key: str, own: Tree, fetch: Callable[[], Tree]) -> Remembered:
    """Put a release together of dependencies and sources, and keep both parts."""
    dependencies: Tree | None = _kept(cache / f"dependencies-{key}.tar.gz")
    if dependencies is None:
        dependencies = fetch()
        _keep(cache / f"dependencies-{key}.tar.gz", release_trees.pack(dependencies))
    tree = release_trees.together(dependencies, own)
    digest = release_trees.digest(tree)
    archive = release_trees.pack(tree)
    _keep(remembering.archive(cache, digest), archive)
    blob_sha256 = hashlib.sha256(archive).hexdigest()
    return Remembered(digest, archive, blob_sha256, release_trees.listing(tree))


def _key(target: Target, lock: bytes) -> str:
    """Return what the dependencies depend on, as one word."""
    platform = f"{FORMAT} {target} {'here' if target.here else release_locks.MANYLINUX}"
    return hashlib.sha256(platform.encode() + b"\n" + lock).hexdigest()[:32]


def _read(lock: Path) -> bytes:
    try:
        return lock.read_bytes()
    except OSError as error:
        raise ReleaseError(
            f"{lock}: {error.strerror}", step="release", action="git status requirements/"
        ) from None


def _kept(path: Path) -> dict[str, bytes] | None:
    """Return a kept tree; None where there is none, or none that can be read."""
    with contextlib.suppress(FileNotFoundError, EOFError, zlib.error, *release_trees.BROKEN):
        return release_trees.unpack(path.read_bytes())
    return None


def _forget_oldest(cache: Path) -> None:
    """Drop the archives that nobody asked for lately, and notes; both can be made again."""
    for kind in ("release-*.tar.gz", "noted-*.json"):
        kept = sorted(cache.glob(kind), key=lambda each: each.stat().st_mtime_ns)
        for path in kept[:-MOST_ARCHIVES]:
            path.unlink(missing_ok=True)


def _keep(path: Path, content: bytes) -> None:
    """Keep a file under its name: whole or not at all, whoever else builds the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(content)
        Path(beside).rename(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
