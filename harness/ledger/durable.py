"""Write so that it is on the disk before anybody goes on."""

from __future__ import annotations

import os
from pathlib import Path


def write_through(path: Path, data: bytes, flags: int) -> None:
    """Write all of `data` and return when it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | flags, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Return when the names in a directory are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
