"""The demo on real hosts: the same story over SSH, with systemd and Debian's Redis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent


def test_the_same_story_passes_over_ssh_and_leaves_the_hosts_as_they_were(lab_hosts, tmp_path):
    inventory = tmp_path / "lab.yml"
    inventory.write_text(
        (PROJECT / "inventory/lab.yml")
        .read_text()
        .replace("    mode: sandbox\n", f"    mode: sandbox\n    records: {tmp_path}/records\n")
    )
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "demo", "-i", str(inventory)],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "zero changes on 3 hosts" in done.stdout
    assert "the hosts are as the demo found them" in done.stdout
    planned = subprocess.run(
        [sys.executable, "-m", "invoke", "plan", "-i", str(inventory), "--json"],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert '"verb": "install"' in planned.stdout
