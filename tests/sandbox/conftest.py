"""A booted sandbox of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox.boxes import WORKER, Box


@pytest.fixture
def box(tmp_path: Path):
    made = Box(tmp_path / "root")
    made.write("worker.py", WORKER.read_text())
    yield made
    made.sandbox.shutdown()
