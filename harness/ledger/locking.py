"""Hold a file lock with a deadline; a holder that dies lets go of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from harness.errors import LedgerError

WAIT_S = 30.0
LOOK_AGAIN_S = 0.02


@contextlib.contextmanager
def locked(path: Path, *, wait_s: float = WAIT_S) -> Iterator[None]:
    """Be the one writer while inside; raises LedgerError after `wait_s` seconds."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LedgerError(
                        f"another command has held {path} for over {wait_s:.0f} s",
                        step="record",
                        action="let it end, then run this again",
                    ) from None
                time.sleep(LOOK_AGAIN_S)
        yield
    finally:
        os.close(descriptor)
