"""The agent as it travels: small, the same every time, and readable by an old Python."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from harness.session import BOOTSTRAP, Session, agent_archive, command

SOURCES = sorted(Path("harness/agent").glob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_agent_is_python_3_9_and_stdlib_only(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert all(alias.name.split(".")[0] in sys.stdlib_module_names for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module.split(".")[0] in sys.stdlib_module_names
        assert not (isinstance(node, ast.keyword) and node.arg in {"strict", "slots"})
        assert type(node).__name__ != "Match"


def test_the_words_that_start_it_are_short_and_hold_no_content():
    assert len(BOOTSTRAP) < 1000
    assert command(become=True)[:5] == ("sudo", "-n", "python3", "-I", "-S")
    assert command(become=False, python="/usr/bin/python3.9")[0] == "/usr/bin/python3.9"


def test_the_archive_is_the_same_every_time():
    first = agent_archive()
    agent_archive.cache_clear()
    assert agent_archive() == first


def test_without_memfd_the_agent_comes_through_a_private_file_that_is_removed(tmp_path):
    before = "import os\nif hasattr(os, 'memfd_create'): del os.memfd_create\n"
    words = (sys.executable, "-I", "-S", "-c", before + BOOTSTRAP)
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"TMPDIR": str(tmp_path)}
    )
    session = Session(process.stdin, process.stdout, host="h")
    said = session.hello(root=str(tmp_path), services="supervisor", control="")
    assert said["manifest"] == {}
    (copy,) = tmp_path.iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    session.close()
    assert process.wait(30) == 0
    process.stdout.close()
    assert list(tmp_path.iterdir()) == []
