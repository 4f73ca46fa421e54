"""What holds for every command that a person can type."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tasks

PROJECT = Path(__file__).resolve().parent.parent.parent
#: Words that follow "invoke" in a sentence or an import.
NO_COMMANDS = {"import", "settings"}


def every_task() -> list:
    found = [(name, tasks.namespace[name]) for name in tasks.namespace.task_names]
    return [pytest.param(task, id=name) for name, task in found]


@pytest.mark.parametrize("task", every_task())
def test_each_is_explained_and_each_flag_has_its_help(task):
    assert task.__doc__
    for argument in task.get_arguments():
        assert argument.help, f"--{argument.name} says nothing of itself"


@pytest.mark.parametrize("task", every_task())
def test_i_means_the_inventory_wherever_there_is_one(task):
    for argument in task.get_arguments():
        if argument.name == "inventory":
            assert "i" in argument.names
        else:
            assert "i" not in argument.names


def test_listing_the_commands_loads_nothing_heavy():
    """`invoke --list` answers at once because commands import late."""
    heavy = "paramiko", "fabric", "redis", "jinja2", "rich", "cryptography"
    told = subprocess.run(
        [sys.executable, "-c", "import sys, tasks; print(*sys.modules)"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(heavy) & set(told.stdout.split())


@pytest.mark.parametrize("words", [("--list",), ("deploy", "--help")])
def test_nobody_who_reads_on_is_no_error(words):
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=PROJECT, stdout=writes, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writes)
    assert done.stderr == ""
    assert done.returncode == -signal.SIGPIPE


INTERRUPTED = """
import sys
from invoke.exceptions import Exit
from commands.running import command

@command
def deploy(context):
    exec("raise KeyboardInterrupt")

try:
    deploy.body(None)
except Exit as ended:
    sys.exit(ended.code)
"""


def test_an_interrupt_ends_with_2_wherever_it_falls(tmp_path):
    """Amid the import of a dataclass Python would die of the signal, although it was caught."""
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("interrupted; ")


def test_every_command_that_a_text_tells_to_type_is_there():
    told = set()
    for path in (*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")):
        told |= set(re.findall(r"`invoke ([a-z]+(?:\.[a-z]+)?)", path.read_text()))
    for folder in ("commands", "harness", "lab", "proofs", "roles"):
        for path in (PROJECT / folder).rglob("*.py"):
            told |= set(re.findall(r"\binvoke ([a-z]+(?:\.[a-z]+)?)[ `\"',:;]", path.read_text()))
    known = {name for every in every_task() for name in [every.id]} | {"proof", "backup"}
    assert told - known - NO_COMMANDS == set()
