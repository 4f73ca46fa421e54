"""Releases by digest: unpacked beside, verified, imported, and only then renamed into place."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Container, Iterator, Mapping, Sequence

from . import placing
from .boundaries import cross
from .failing import AgentError
from .machine import RELEASES, Machine
from .places import Place, place, refuse_immutable
from .processes import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    import tarfile
    from typing import Any

COMPLETE = "COMPLETE"
#: Units run as other users: a release is for everybody to read.
OPEN = 0o755
_DIGEST = re.compile(r"[0-9a-f]{64}")
#: What was found in a release's folder, and the stamps of all its files then; by the folder itself,
#: since one that is unpacked beside its place is renamed.
_known: dict[tuple[int, int], tuple[list[tuple[str, int, int, int, int]], set[str]]] = {}
IMPORT_WITHIN_S = 120.0
#: Permissions of a compiled file: one that more may write is a file like any other.
COMPILED = 0o644


def is_digest(name: str) -> bool:
    """Tell whether a name in the folder of releases is that of one."""
    return bool(_DIGEST.fullmatch(name))


def complete(machine: Machine, digest: str) -> bool:
    """Tell whether the release is there as a whole."""
    return os.path.isfile(machine.at(f"{RELEASES}/{_checked(digest)}/{COMPLETE}"))


def attest(machine: Machine, digest: str) -> dict[str, Any]:
    """Return whether the release is complete, and its tree's digest as it is now."""
    folder = machine.at(f"{RELEASES}/{_checked(digest)}")
    if not os.path.isdir(folder):
        return {"complete": False, "tree_digest": None}
    made = _compiled_as_it_is(machine, folder)
    return {"complete": complete(machine, digest), "tree_digest": tree_digest(folder, made)}


def tree_digest(folder: str, leave_out: Container[str] = ()) -> str:
    """Return the digest over content, mode and name of every file; harness/releases.py agrees.

    `leave_out` names files by their path in the folder.
    """
    lines = []
    for path in _files(folder):
        name = os.path.relpath(path, folder)
        if name == COMPLETE or name in leave_out:
            continue
        found = os.lstat(path)
        kind = f"{stat.S_IMODE(found.st_mode):o}" if stat.S_ISREG(found.st_mode) else "other"
        sha = hashlib.sha256()
        if kind != "other":
            with open(path, "rb") as file:
                sha.update(file.read())
        lines.append(f"{sha.hexdigest()}  {kind}  {name}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _files(folder: str) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        for name in folders:
            if os.path.islink(os.path.join(here, name)):
                yield os.path.join(here, name)
        for name in names:
            yield os.path.join(here, name)


def refuse(machine: Machine, step: Mapping[str, Any], made: Container[str]) -> None:
    """Raise AgentError when the step must not run; `made` is what earlier steps will have made."""
    if complete(machine, step["digest"]):
        return
    try:
        with place(machine, f"{RELEASES}/{step['digest']}") as where:
            _refuse_there(where)
    except AgentError as error:
        if error.kind != "absent" or RELEASES not in made:
            raise


def _refuse_there(where: Place) -> None:
    refuse_immutable(where)
    if where.stat() is not None:
        raise AgentError(
            "refused",
            f"{where.path} is there but not complete, and not ours to remove",
            action=f"look at it, then remove {where.path} on the host",
        )


def record(machine: Machine, step: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the journal record that undoes the step."""
    digest = _checked(step["digest"])
    with place(machine, f"{RELEASES}/{digest}") as where:
        _refuse_there(where)
        parent = os.fstat(where.parent)
    return {
        "n": number,
        "do": "release",
        "path": f"{RELEASES}/{digest}",
        "temporary": f".{digest[:16]}.{number}.tmp",
        "parent_times_ns": [parent.st_atime_ns, parent.st_mtime_ns],
    }


def do(machine: Machine, step: Mapping[str, Any], done: Mapping[str, Any], archive: bytes) -> None:
    """Unpack, verify, import, mark complete, rename into place; raises AgentError."""
    with place(machine, done["path"]) as where:
        beside = os.path.join(os.path.dirname(machine.at(done["path"])), done["temporary"])
        os.mkdir(done["temporary"], 0o700, dir_fd=where.parent)
        cross()
        _unpack(archive, beside)
        digest = tree_digest(beside)
        if digest != step["digest"]:
            raise AgentError(
                "refused", f"the release unpacks to {digest[:12]}, not {step['digest'][:12]}"
            )
        _import(machine, beside, step.get("modules") or [step["module"]])
        if tree_digest(beside, _compiled_as_it_is(machine, beside)) != digest:
            _forget_compiled(beside)
        _sync(beside)
        placing.whole(os.path.join(beside, COMPLETE), f"{digest}\n".encode())
        os.chmod(os.path.join(beside, COMPLETE), 0o644)
        os.chmod(beside, OPEN)
        placing.swap_in(where, done["temporary"], [])


def undo(machine: Machine, done: Mapping[str, Any]) -> bool:
    """Remove the release that the step placed: hidden by one rename first, then taken apart."""
    import shutil

    with place(machine, done["path"]) as where:
        there = where.stat() is not None
        folder = os.path.dirname(machine.at(done["path"]))
        if there:
            shutil.rmtree(os.path.join(folder, done["temporary"]), ignore_errors=True)
            os.rename(
                where.name, done["temporary"], src_dir_fd=where.parent, dst_dir_fd=where.parent
            )
            cross()
        if os.path.lexists(os.path.join(folder, done["temporary"])):
            shutil.rmtree(os.path.join(folder, done["temporary"]))
        os.utime(where.parent, ns=tuple(done["parent_times_ns"]))
        where.sync()
    return there


def unpacked_bytes(archive: bytes) -> int:
    """Return how much space it takes: what gzip says, a block per file, what is compiled of it."""
    return int(int.from_bytes(archive[-4:], "little") * 2.25) + 65536


def _unpack(archive: bytes, folder: str) -> None:
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for member in tar:
                _unpack_one(tar, member, folder)
    except (tarfile.TarError, EOFError) as error:
        raise AgentError("refused", f"the release cannot be unpacked: {error}") from None


def _unpack_one(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: str) -> None:
    name = os.path.normpath(member.name)
    bad = os.path.isabs(name) or name.startswith("..") or not (member.isfile() or member.isdir())
    if bad or "__pycache__" in name.split("/") or name == COMPLETE:
        raise AgentError("refused", f"the release holds {member.name!r}, which it must not")
    path = os.path.join(folder, name)
    os.makedirs(path if member.isdir() else os.path.dirname(path), mode=0o755, exist_ok=True)
    if member.isdir():
        return
    import shutil

    source = tar.extractfile(member)
    assert source is not None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        shutil.copyfileobj(source, file)
        os.fchmod(file.fileno(), 0o755 if member.mode & 0o111 else 0o644)


def _compiled(machine: Machine, folder: str) -> set[str]:
    """Return the compiled files that say what their sources say, by their path in the folder."""
    import inspect

    from . import compiled

    # the agent lies in a zip in memory, so that Python gets this module as text
    words = (machine.python, "-I", "-S", "-B", "-c", inspect.getsource(compiled), folder)
    ended = run(words, IMPORT_WITHIN_S)
    names = ended.output.splitlines() if ended.code == 0 else []
    return {
        name for name in names
        if stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode) == COMPILED
    }  # fmt: skip


def _compiled_as_it_is(machine: Machine, folder: str) -> set[str]:
    """Return the same, asked again only where any file was touched since: a gate looks often."""
    found = os.lstat(folder)
    key = found.st_dev, found.st_ino
    stamps = [(os.path.relpath(path, folder), os.lstat(path)) for path in _files(folder)]
    now = [
        (name, s.st_ino, s.st_mode, s.st_size, s.st_ctime_ns)
        for name, s in sorted(stamps) if name != COMPLETE
    ]  # fmt: skip
    if _known.get(key, ([], set()))[0] != now:
        _known[key] = now, _compiled(machine, folder)
    return _known[key][1]


def _forget_compiled(folder: str) -> None:
    """Remove every compiled file: a service starts more slowly without, and no less right."""
    import shutil

    from .compiled import CACHE

    for here, _, _ in os.walk(folder):
        if os.path.basename(here) == CACHE:
            shutil.rmtree(here)


def _import(machine: Machine, folder: str, modules: Sequence[str]) -> None:
    """Import the modules in the Python that will run them, which writes what it compiled."""
    code = "import sys; sys.path.insert(0, sys.argv[1])\nfor m in sys.argv[2:]: __import__(m)"
    ended = run((machine.python, "-I", "-S", "-c", code, folder, *modules), IMPORT_WITHIN_S)
    if ended.code != 0:
        why = ended.last_line or "the import did not end in time"
        raise AgentError(
            "failed", f"the release does not import on this host: {why}",
            action="see that requirements/ has a lock for exactly this Python and platform",
        )  # fmt: skip


def _sync(folder: str) -> None:
    for here, _, names in os.walk(folder):
        for name in names:
            opened = os.open(os.path.join(here, name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
        os.chmod(here, OPEN)
        placing.sync_folder(here)


def _checked(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise AgentError("request", f"{digest!r} is no release digest")
    return digest
