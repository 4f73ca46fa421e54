"""Remember what was built from what, so that most plans unpack and pack nothing.

A note says which archive came of which inputs, and the archive's digest. A note or an archive that
is damaged is none; and what a host unpacks has to have the release's digest in any case.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

#: Path, mode and sha256 of every file, by path.
Listing = tuple[tuple[str, int, str], ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A release as it was built: its digest, its archive with that one's digest, its files."""

    digest: str
    archive: bytes
    blob_sha256: str
    tree: Listing


def note(cache: Path, inputs: str) -> Path:
    """Return where it is noted what was made of `inputs`, a digest."""
    return cache / f"noted-{inputs}.json"


def archive(cache: Path, digest: str) -> Path:
    """Return where the archive of a release is kept."""
    return cache / f"release-{digest}.tar.gz"


def recall(cache: Path, inputs: str) -> Remembered | None:
    """Return what was made of the inputs, None where that is not known or not whole."""
    try:
        said = json.loads(note(cache, inputs).read_bytes())
        digest, blob_sha256 = str(said["digest"]), str(said["blob_sha256"])
        tree = tuple((str(path), int(mode), str(sha256)) for path, mode, sha256 in said["tree"])
        packed = archive(cache, digest).read_bytes()
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if hashlib.sha256(packed).hexdigest() != blob_sha256:
        return None
    return Remembered(digest, packed, blob_sha256, tree)


def told(one: Remembered) -> bytes:
    """Return the note about a release."""
    said = {"digest": one.digest, "blob_sha256": one.blob_sha256, "tree": one.tree}
    return json.dumps(said).encode()
