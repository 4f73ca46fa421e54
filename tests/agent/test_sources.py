"""The agent as it travels: small, the same every time, and readable by an old Python."""

import ast
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness import bootstrap
from harness.bootstrap import BOOTSTRAP, agent_archive, command
from harness.channel import CHANGING
from harness.session import Session

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


def test_the_archive_is_the_same_every_time(tmp_path, monkeypatch):
    kept = agent_archive()
    monkeypatch.setattr(bootstrap, "CACHE", tmp_path / "missing")
    words = (
        "import sys; from harness.bootstrap import sources, _pack;"
        "sys.stdout.buffer.write(_pack(sources()))"
    )
    elsewhere = subprocess.run([sys.executable, "-c", words], capture_output=True, check=True)
    assert elsewhere.stdout == bootstrap._archive.__wrapped__() == kept
    assert bootstrap._archive.__wrapped__() == kept  # from the file that is kept now


def test_a_python_of_another_version_reads_the_sources(tmp_path):
    """Bytecode that is not its own is left alone: no Python fails for it."""
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(io.BytesIO(agent_archive())) as given, zipfile.ZipFile(other, "w") as made:
        names = given.namelist()
        for name in names:
            wrong = b"\0\0\r\n" if name.endswith("c") else b""
            made.writestr(name, wrong + given.read(name)[len(wrong) :])
    assert "agent/main.pyc" in names
    words = f"import sys; sys.path.insert(0, {str(other)!r}); import agent.main"
    subprocess.run([sys.executable, "-I", "-S", "-c", words], check=True)


def test_a_look_loads_nothing_that_only_a_change_needs(tmp_path):
    """Else its bytecode is missing in the archive, or it makes every look slower."""
    archive = tmp_path / "agent.zip"
    archive.write_bytes(agent_archive())
    words = (
        f"import sys; sys.path.insert(0, {str(archive)!r}); import agent.main, agent.observing;"
        "print(*(name.rpartition('.')[2] for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", words], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "observing" in loaded
    assert {f"{name}.py" for name in loaded} & CHANGING == set()
    # as long to load as half the agent
    assert loaded & {"dataclasses", "inspect", "platform", "shutil", "tarfile", "typing"} == set()


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
