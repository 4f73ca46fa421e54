"""Keep the peers in an environment of their own, in nobody's way: .cache/bench-venv."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys

from bench.failing import CannotMeasureError
from bench.programs import ROOT

LOCK = ROOT / "requirements" / "bench.txt"
FOLDER = ROOT / ".cache" / "bench-venv"
MADE_FROM = FOLDER / "made-from"
WITHIN_S = 300.0


def python() -> str:
    """Return its interpreter, after making it where it is missing or made from another lock.

    Raises CannotMeasureError where it cannot be made: the peers are left out then.
    """
    binary, lock = FOLDER / "bin" / "python", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if binary.exists() and MADE_FROM.exists() and MADE_FROM.read_text() == lock:
        return str(binary)
    shutil.rmtree(FOLDER, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(FOLDER))
    pip = (str(binary), "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "install", "--quiet", "--require-hashes", "-r", str(LOCK))
    MADE_FROM.write_text(lock)
    return str(binary)


def _run(*words: str) -> None:
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=WITHIN_S)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise CannotMeasureError(f"{words[2]}: {said[-1] if said else error}") from error
