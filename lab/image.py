"""Build the hosts' common root once per recipe and keep it under the digest of that recipe."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import LabError
from lab import prerequisites, sources
from lab.places import CACHE
from lab.running import run

SUITES = ("bookworm", "trixie")
#: What a host has; LAB.md's list. procps and the rest come in by dependency or not at all.
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "sudo", "redis-server",
    "iproute2", "nftables",
)  # fmt: skip
CUSTOMISE = Path(__file__).with_name("customise.sh")
#: apt settings of the machine that its sources may need; they do not stay in the image.
APT_SETTINGS = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries")
#: A build that is cut short leaves no process and no mount behind, only a folder to remove.
ENDS_WITH_US = (
    "setpriv", "--pdeathsig", "KILL",
    "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what is in the image."""

    suite: str
    packages: tuple[str, ...]
    customise: str
    sources: dict[str, str]

    @property
    def digest(self) -> str:
        """Return 16 hex digits that name the image."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Image:
    """A built root and the digest it is kept under."""

    digest: str
    root: Path


def recipe(suite: str) -> Recipe:
    """Return the recipe for `suite` on this machine."""
    if suite not in SUITES:
        raise LabError(
            f"no image for suite {suite!r}; there is {' and '.join(SUITES)}",
            step="lab image",
            action=f"invoke lab.up --suite {SUITES[0]}",
        )
    found = sources.read(Path("/etc/apt"), prerequisites.codename(), suite)
    return Recipe(suite, PACKAGES, CUSTOMISE.read_text(), found)


def ensure(suite: str, tell: Tell) -> Image:
    """Return the image for `suite`; builds it where the cache has none (half a minute)."""
    wanted = recipe(suite)
    kept = CACHE / f"{suite}-{wanted.digest}"
    if not (kept / "usr").is_dir():
        tell(f"building the {suite} image, once, in about half a minute")
        _build(wanted, kept)
    return Image(wanted.digest, kept)


def ensure_all(suites: str, tell: Tell) -> tuple[Image, ...]:
    """Return the image of each suite in "bookworm,trixie", none built unless all are known."""
    names = [each.strip() for each in suites.split(",")]
    for name in names:
        recipe(name)
    return tuple(ensure(name, tell) for name in names)


def _build(wanted: Recipe, kept: Path) -> None:
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    building = kept.with_name(f".building-{kept.name}")
    shutil.rmtree(building, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="quantum-lab-") as scratch:
        files = []
        for name, text in wanted.sources.items():
            path = Path(scratch) / name
            path.write_text(text)
            files.append(str(path))
        settings = Path(scratch) / "apt.conf"
        settings.touch(mode=0o600)
        settings.write_text(_apt_settings())
        run(
            *ENDS_WITH_US,
            "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--format=directory",
            f"--include={','.join(wanted.packages)}", f"--aptopt={settings}",
            f'--customize-hook=sh {shlex.quote(str(CUSTOMISE))} "$1"', wanted.suite, str(building),
            *files, step=f"building the {wanted.suite} image",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
    building.chmod(0o755)
    building.rename(kept)


def _apt_settings() -> str:
    lines = run("apt-config", "dump").splitlines()
    return "".join(
        f"{line}\n" for line in lines if line.startswith(APT_SETTINGS) and '""' not in line
    )
