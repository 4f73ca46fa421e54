"""Which locked dependencies a release takes along for a target, fetched by pip, hashes required."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ReleaseError
from harness.releases.trees import installed

PROJECT = Path(__file__).resolve().parents[2]
#: Fetching some megabytes takes no longer, in seconds.
PIP_WITHIN_S = 600.0
#: Wheels for these C libraries run on every host we know (Debian 12 and 13), newest first.
MANYLINUX = (
    *(f"manylinux_2_{minor}" for minor in range(28, 16, -1)),
    *("manylinux2014", "manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1"),
)
#: What pip says -> what it means for a person: (cause, action).
_SAYINGS: tuple[tuple[str, str, str], ...] = (
    ("do not match the hashes", "a downloaded package differs from the lock's hash",
     "do not deploy; find out why, then make lock"),
    ("no matching distribution found", "the package index has no wheel of {wheel} for the target",
     "check the network and pip's settings, else make lock"),
    ("could not find a version", "the package index has no wheel of {wheel} for the target",
     "check the network and pip's settings, else make lock"),
    ("no space left", "the disk is full", "free some space"),
    ("connection", "the package index cannot be reached", "check the network, then again"),
    ("timed out", "the package index does not answer", "check the network, then again"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """What a release is built for."""

    python: str  #: full version, e.g. "3.11.2": markers may ask for the last digit
    machine: str  #: e.g. "x86_64"
    system: str = "linux"
    here: bool = False  #: it runs on this machine, by this interpreter (the sandbox)
    extra: str = ""  #: whose lock has more than every consumer needs, e.g. "exchange"

    def __str__(self) -> str:
        more = f" with {self.extra}" if self.extra else ""
        return f"Python {self.python} on {self.system} {self.machine}{more}"


def target_of(facts: Mapping[str, object], extra: str = "") -> Target:
    """Return the target that a host's facts describe; raises ReleaseError."""
    implementation = str(facts.get("implementation", "cpython"))
    target = Target(
        python=str(facts["python"]),
        machine=str(facts["machine"]).lower(),
        system=str(facts["system"]).lower(),
        here=facts.get("services") == "supervisor",
        extra=extra,
    )
    if implementation != "cpython":
        raise ReleaseError(f"the host's python3 is {implementation}, not CPython", step="release")
    if target.here and target.python != platform.python_version():
        raise ReleaseError(
            f"the sandbox runs {target}, this is Python {platform.python_version()}",
            step="release", action="rm -rf .sandbox, then again",
        )  # fmt: skip
    return target


def lock_of(target: Target, requirements: Path = PROJECT / "requirements") -> Path:
    """Return the target's lock file; raises ReleaseError that names the one to add."""
    more = f"-{target.extra}" if target.extra else ""
    if target.here:
        return requirements / f"consumers{more}.txt"
    name = f"python-{target.python}-{target.system}-{target.machine}{more}.txt"
    path = requirements / "hosts" / name
    if path.is_file():
        return path
    there = ", ".join(sorted(each.stem for each in (requirements / "hosts").glob("*.txt")))
    raise ReleaseError(
        f"there is no lock for {target}: requirements/hosts/{name} (there is {there})",
        step="release",
        action="add the version to requirements/lock.sh, then make lock",
    )


def words_for(target: Target, lock: Path, folder: Path) -> tuple[str, ...]:
    """Return the pip command that puts the locked wheels for `target` into `folder`."""
    words: tuple[str, ...] = (
        sys.executable, "-m", "pip", "install", "--quiet", "--no-input",
        "--disable-pip-version-check", "--progress-bar", "off", "--no-deps", "--no-compile",
        "--require-hashes", "--only-binary", ":all:", "--target", str(folder),
    )  # fmt: skip
    if not target.here:
        for each in MANYLINUX:
            words += ("--platform", f"{each}_{target.machine}")
        words += ("--python-version", target.python, "--implementation", "cp")
    return (*words, "--requirement", str(lock))


def fetch(target: Target, lock: Path) -> dict[str, bytes]:
    """Return the files of the locked dependencies, by pip. Raises ReleaseError."""
    with tempfile.TemporaryDirectory(prefix="quantum-release-") as temporary:
        folder = Path(temporary) / "tree"
        try:
            done = subprocess.run(
                words_for(target, lock, folder),
                capture_output=True, text=True, errors="replace", check=False,
                stdin=subprocess.DEVNULL, timeout=PIP_WITHIN_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise _failed(lock, f"pip did not end within {PIP_WITHIN_S:g} s", "") from None
        if done.returncode != 0:
            raise explained(done.stderr + done.stdout, lock)
        return installed(folder)


def explained(said: str, lock: Path) -> ReleaseError:
    """Return the error that a person can act on, from what pip printed."""
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")] or said.splitlines()
    last = errors[-1].removeprefix("ERROR:").strip() if errors else "pip gave no reason"
    for words, cause, action in _SAYINGS:
        if words in said.lower():
            wheel = last.rpartition(" for ")[2].split(" (")[0]
            return _failed(lock, cause.format(wheel=wheel), action)
    return _failed(lock, last[:300], "")


def _failed(lock: Path, cause: str, action: str) -> ReleaseError:
    return ReleaseError(
        f"the dependencies in {lock.name} could not be fetched: {cause}",
        step="release",
        action=action or f"pip download --no-deps -r requirements/.../{lock.name}",
    )
