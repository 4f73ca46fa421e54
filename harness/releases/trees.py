"""What a release holds, as names and bytes: read, digest, pack. Deterministic to the byte."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import ReleaseError

#: Relative POSIX path -> content; every file is 0644, every directory 0755.
Tree = Mapping[str, bytes]

MODE = 0o644
#: What runs on a host from this project's own sources.
PACKAGES = ("consumers", "streams")
SUFFIXES = (".py", ".lua")
#: How git leaves a conflict in a file.
MERGE_MARKERS = (b"<<<<<<< ", b">>>>>>> ")
#: What `unpack` raises for a damaged archive.
BROKEN = (tarfile.TarError, gzip.BadGzipFile)
#: What an installer notes about itself and its machine; it would make two builds differ.
NOTES = frozenset({"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"})


def sources(folder: Path) -> dict[str, bytes]:
    """Read the *.py and *.lua files of streams/ and consumers/ below `folder`.

    Raises ReleaseError for a missing package, a link, and merge markers left in a file.
    """
    found: dict[str, bytes] = {}
    for package in PACKAGES:
        if not (folder / package / "__init__.py").is_file():
            raise _refused(f"{folder} has no {package}/__init__.py")
        for name in sorted(_below(folder, package)):
            if not name.endswith(SUFFIXES) or _is_apart(name):
                continue
            path = folder / name
            if path.is_symlink() or not path.is_file():
                raise _refused(f"{name} is no plain file")
            found[name] = path.read_bytes()
            _refuse_merge_markers(name, found[name])
    return found


def _below(folder: Path, package: str) -> Iterator[str]:
    # pathlib would take as long as all the rest of a build
    for here, folders, names in os.walk(folder / package):
        within = os.path.relpath(here, folder)
        yield from (f"{within}/{name}" for name in (*folders, *names))


def stamps(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Return what changes whenever something below streams/ or consumers/ does."""
    found = []
    for package in PACKAGES:
        for here, _, names in os.walk(folder / package):
            for path in (here, *(f"{here}/{name}" for name in names)):
                seen = os.lstat(path)
                found.append((path, seen.st_ino, seen.st_size, seen.st_mtime_ns))
    return tuple(found)


def _is_apart(name: str) -> bool:
    """Tell what is no source although it is called so: caches and hidden files."""
    return any(part.startswith(".") or part == "__pycache__" for part in name.split("/"))


def _refuse_merge_markers(name: str, content: bytes) -> None:
    if not any(marker in content for marker in MERGE_MARKERS):
        return
    for number, line in enumerate(content.splitlines(), 1):
        if line.startswith(MERGE_MARKERS):
            raise _refused(f"{name}:{number} holds a merge marker", f"resolve the merge in {name}")


def installed(folder: Path) -> dict[str, bytes]:
    """Read what pip put into `folder`, without scripts, bytecode and pip's own notes."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        parts = name.split("/")
        note = parts[-1] in NOTES and parts[0].endswith(".dist-info")
        if parts[0] == "bin" or "__pycache__" in parts or path.suffix == ".pyc" or note:
            continue
        if path.is_file() and not path.is_symlink():
            found[name] = path.read_bytes()
    return found


def together(dependencies: Tree, own: Tree) -> dict[str, bytes]:
    """Return both; raises ReleaseError where a dependency carries a package of ours."""
    clash = sorted(
        {name.split("/")[0] for name in dependencies} & {name.split("/")[0] for name in own}
    )
    if clash:
        raise _refused(f"a locked dependency brings its own {', '.join(clash)}")
    return {**dependencies, **own}


def listing(tree: Tree) -> tuple[tuple[str, int, str], ...]:
    """Return (path, mode, sha256) of every file, sorted by path."""
    return tuple((name, MODE, hashlib.sha256(tree[name]).hexdigest()) for name in sorted(tree))


def digest(tree: Tree) -> str:
    """Return the digest over content, mode and name of every file; the agent's agrees."""
    lines = sorted(f"{sha256}  {mode:o}  {name}\n" for name, mode, sha256 in listing(tree))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def pack(tree: Tree) -> bytes:
    """Return the tree as a tar.gz without names, times or owners of the machine it is made on."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=6, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(tree):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(tree[name]), MODE, 0
            tar.addfile(entry, io.BytesIO(tree[name]))
    return packed.getvalue()


def unpack(packed: bytes) -> dict[str, bytes]:
    """Return the tree in an archive made by `pack`; raises tarfile.TarError or OSError."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        for entry in tar:
            content = tar.extractfile(entry)
            if content is not None:
                found[entry.name] = content.read()
    return found


def _refused(cause: str, action: str = "") -> ReleaseError:
    return ReleaseError(cause, step="release", action=action)
