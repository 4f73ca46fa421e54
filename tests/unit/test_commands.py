"""What holds for every command that a person can type."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tasks

PROJECT = Path(__file__).resolve().parent.parent.parent


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
