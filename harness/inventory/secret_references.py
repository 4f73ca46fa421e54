"""Keep secrets out of the inventory: references to them, resolved when they are needed."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import select
import shlex
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.errors import SecretError
from harness.host import Host
from harness.masking import Secret

#: Long enough to unlock a password store by hand, in seconds.
COMMAND_WITHIN_S = 60.0
MOST_BYTES = 65_536
SHAPES = "env:NAME, file:PATH or command:PROGRAM ARGUMENTS"
PROJECT = Path(__file__).resolve().parents[2]

_SECRET_NAME = re.compile(r"(^|_)(pass|password|passphrase|secret|token|api_key|private_key)$")
_REFERENCE = re.compile(r"(env|file|command):(.*\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is kept; safe to show."""

    kind: Literal["env", "file", "command"]
    where: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"


def is_secret(name: str) -> bool:
    """Tell whether a variable of this name holds a secret, so that a literal is refused."""
    return bool(_SECRET_NAME.search(name))


def parse(text: str) -> SecretReference | None:
    """Return the reference that `text` is, or None when it is something else."""
    found = _REFERENCE.fullmatch(text)
    if not found:
        return None
    kind, where = found.groups()
    assert kind in {"env", "file", "command"}
    return SecretReference(kind, where.strip())  # type: ignore[arg-type]


def resolve(host: Host) -> Host:
    """Return the host with every reference replaced by its Secret.

    Raises SecretError that names host, variable and reference, and never a value.
    """
    values: dict[str, object] = dict(host.values)
    for name, value in host.values.items():
        if isinstance(value, SecretReference):
            try:
                values[name] = fetch(value)
            except SecretError as error:
                raise error.at(host=host.name, step=f"secret {name}") from None
    return replace(host, values=values)


def fetch(
    reference: SecretReference,
    *,
    environment: Mapping[str, str] = os.environ,
    within_s: float = COMMAND_WITHIN_S,
) -> Secret:
    """Return the secret: UTF-8, one trailing newline dropped, not empty. Raises SecretError."""
    if reference.kind == "env":
        raw = _from_environment(reference, environment)
    elif reference.kind == "file":
        raw = _from_file(reference)
    else:
        raw = _from_command(reference, within_s)
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not raw:
        raise _failed(reference, "is empty")
    if len(raw) > MOST_BYTES:
        raise _failed(reference, f"is longer than {MOST_BYTES} bytes")
    if b"\0" in raw or not _is_text(raw):
        raise _failed(reference, "is no UTF-8 text")
    return Secret(raw)


def _from_environment(reference: SecretReference, environment: Mapping[str, str]) -> bytes:
    if reference.where not in environment:
        raise _failed(reference, "is not set", f"export {reference.where}=...")
    return environment[reference.where].encode(errors="surrogateescape")


def _from_file(reference: SecretReference) -> bytes:
    path = PROJECT / Path(reference.where).expanduser()
    action = f"chmod 600 {shlex.quote(str(path))}"
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _failed(reference, f"cannot be read: {error.strerror}") from None
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            raise _failed(reference, "is no regular file")
        if found.st_mode & 0o077:
            mode = f"{stat.S_IMODE(found.st_mode):04o}"
            raise _failed(reference, f"can be read or changed by others (mode {mode})", action)
        if found.st_uid not in {0, os.geteuid()}:
            raise _failed(reference, "belongs to somebody else", "keep it in a file of your own")
        # a regular file of a few kilobytes comes in one piece
        return os.read(opened, MOST_BYTES + 3)
    finally:
        os.close(opened)


def _from_command(reference: SecretReference, within_s: float) -> bytes:
    return _command_once(reference, within_s).reveal()


@functools.lru_cache(maxsize=64)
def _command_once(reference: SecretReference, within_s: float) -> Secret:
    """Run a command once per process, however many hosts refer to it: it may ask a person."""
    try:
        words = shlex.split(reference.where)
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, process_group=0
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _failed(reference, f"cannot be run: {reason}") from None
    try:
        output = _read(process, time.monotonic() + within_s)
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        assert process.stdout is not None
        process.stdout.close()
    if output is None:
        raise _failed(reference, f"did not answer within {within_s:g} s")
    if len(output) > MOST_BYTES:
        raise _failed(reference, f"is longer than {MOST_BYTES} bytes")
    if code != 0:
        raise _failed(reference, f"ended with exit code {code}", "run the command by hand")
    return Secret(output)


def _read(process: subprocess.Popen[bytes], until: float) -> bytes | None:
    """Read to the end and see the process off; None when either takes too long.

    What is far too long is returned cut off, with the process still running.
    """
    assert process.stdout is not None
    source, output = process.stdout.fileno(), b""
    while len(output) <= MOST_BYTES:
        ready, _, _ = select.select([source], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        chunk = os.read(source, MOST_BYTES)
        if not chunk:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                return None
            break
        output += chunk
    return output


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _failed(reference: SecretReference, cause: str, action: str = "") -> SecretError:
    return SecretError(f"{reference} {cause}", action=action or f"check the reference {reference}")
