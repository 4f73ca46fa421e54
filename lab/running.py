"""Run the machine's own programs for the lab and turn their failures into one clear error."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from harness.errors import LabError

#: No single program of the lab takes longer, in seconds; building an image is the longest.
LONGEST_S = 900


def run(
    *words: str,
    step: str = "",
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout_s: float = LONGEST_S,
) -> str:
    """Run a program and return its stdout; raises LabError with the end of its stderr."""
    step = step or words[0]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            env=None if env is None else dict(env),
        )
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed", step=step) from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{words[0]} took longer than {timeout_s:.0f} s", step=step) from error
    if done.returncode:
        said = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise LabError(f"`{' '.join(words)}` ended with {done.returncode}: {said}", step=step)
    return done.stdout


def succeeds(*words: str) -> bool:
    """Tell whether a program ends with 0."""
    return subprocess.run(words, capture_output=True, check=False, timeout=60).returncode == 0
