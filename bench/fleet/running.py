"""Run a whole process, as a person would start it, and take its time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.failing import CannotMeasureError
from bench.programs import ROOT

#: Nobody waits longer for one of them, in seconds.
WITHIN_S = 900.0


@dataclass(frozen=True, slots=True)
class Ran:
    """How long it took from start to end, and what it said."""

    took_s: float
    code: int
    said: str


def run(
    words: Sequence[str], env: Mapping[str, str] | None = None, within_s: float = WITHIN_S
) -> Ran:
    """Run it to its end; raises CannotMeasureError where it does not come."""
    started = time.monotonic()
    with subprocess.Popen(
        words, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=within_s)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise CannotMeasureError(f"{words[0]} did not end in {within_s:.0f} s") from None
            raise
    return Ran(time.monotonic() - started, process.returncode, said)


def checked(words: Sequence[str], expected: str, env: Mapping[str, str] | None = None) -> Ran:
    """Run it; raises CannotMeasureError where it fails or does not say what it must."""
    ran = run(words, env)
    if ran.code or expected not in ran.said:
        lines = ran.said.strip().splitlines()[-4:]
        raise CannotMeasureError(
            f"{' '.join(words[:3])} ended with {ran.code}: {' | '.join(lines)}"
        )
    return ran
