"""The rendered units hold before systemd's own checks, and the env file before the consumer."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.masking import Secret
from tests.unit.rendered_roles import ENV, HOST, UNIT, text

#: systemd-analyze counts in tenths: exposure 1.0 or less.
THRESHOLD = 10
DROP_IN = "/etc/systemd/system/redis-server.service.d/quantum.conf"


def needed(program: str) -> str:
    """Return the program's path; without it this is skipped at home and fails under CI."""
    path = shutil.which(program)
    if path is None:
        assert not os.environ.get("CI"), f"{program} is needed to test this"
        pytest.skip(f"no {program} here")
    return path


def analyze(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [needed("systemd-analyze"), *words], capture_output=True, text=True, timeout=60, check=False
    )


def placed(tmp_path: Path, content: str) -> str:
    path = tmp_path / Path(UNIT).name
    path.write_text(content)
    return str(path)


def security(tmp_path: Path, content: str) -> int:
    path = placed(tmp_path, content)
    words = ("--offline=true", f"--threshold={THRESHOLD}", "--no-pager", path)
    return analyze("security", *words).returncode


def test_the_consumers_unit_is_exposed_by_no_more_than_one(tmp_path):
    assert security(tmp_path, text(UNIT)) == 0


@pytest.mark.parametrize(
    "line", ["DynamicUser=yes", "CapabilityBoundingSet=", "SystemCallFilter=@system-service",
             "RestrictNamespaces=yes", "IPAddressDeny=any"],
)  # fmt: skip
def test_without_any_one_of_its_walls_the_measure_says_no(tmp_path, line):
    assert f"\n{line}\n" in text(UNIT)
    assert security(tmp_path, text(UNIT).replace(f"\n{line}\n", "\n")) != 0


def test_systemd_accepts_every_line_of_the_unit(tmp_path):
    done = analyze("verify", "--recursive-errors=yes", placed(tmp_path, text(UNIT)))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_would_have_told_of_a_typo(tmp_path):
    unit = text(UNIT).replace("MemoryMax=", "MemoryMx=")
    done = analyze("verify", "--recursive-errors=yes", placed(tmp_path, unit))
    assert done.returncode != 0 or "MemoryMx" in done.stderr


def test_debians_redis_unit_accepts_the_drop_in(tmp_path):
    vendor = Path("/lib/systemd/system/redis-server.service")
    if not vendor.exists():
        assert not os.environ.get("CI"), f"{vendor} is needed to test this"
        pytest.skip("Debian's redis-server is not installed here")
    (tmp_path / "redis-server.service").write_bytes(vendor.read_bytes())
    folder = tmp_path / "redis-server.service.d"
    folder.mkdir()
    (folder / "quantum.conf").write_text(text(DROP_IN))
    unit = str(tmp_path / "redis-server.service")
    done = analyze("verify", "--recursive-errors=yes", unit)
    assert "quantum.conf" not in done.stdout + done.stderr


def test_the_consumer_itself_accepts_its_env_file(tmp_path):
    """`--check-config` of the real consumer over the rendered file."""
    from consumers.analytics.settings import Settings
    from consumers.loop.settings import read_file

    path = tmp_path / "env"
    path.write_text(text(ENV, replace(HOST, values={**HOST.values, "redis_password": Secret("x")})))
    found = read_file(Settings, path, {})
    assert (found.redis_host, found.consumer_name, found.quantum_mode) == (
        "10.0.0.1", "db1-1", "testnet",
    )  # fmt: skip
