"""Keep the peers in an environment of their own, in nobody's way: .cache/bench-venv."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys

from bench.failing import CannotMeasureError
from bench.programs import ROOT

WITHIN_S = 300.0


def python(name: str = "bench") -> str:
    """Return its interpreter, after making it where it is missing or made from another lock.

    Raises CannotMeasureError where it cannot be made: the peers are left out then.
    """
    folder, given = ROOT / ".cache" / f"{name}-venv", ROOT / "requirements" / f"{name}.txt"
    made_from = folder / "made-from"
    binary, lock = folder / "bin" / "python", hashlib.sha256(given.read_bytes()).hexdigest()
    if binary.exists() and made_from.exists() and made_from.read_text() == lock:
        return str(binary)
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(binary))
    _run(*pip, "install", "--quiet", "--no-compile", "--require-hashes", "-r", str(given))
    made_from.write_text(lock)
    return str(binary)


def _run(*words: str) -> None:
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=WITHIN_S)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise CannotMeasureError(f"{words[2]}: {said[-1] if said else error}") from error
