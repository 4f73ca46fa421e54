"""What holds for all tests: the lab on one worker, and no skip that goes unseen."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import in_memory

HERE = Path(__file__).resolve().parent
#: There is one lab on a machine: whatever works on it runs in one worker, one after the other.
ON_THE_LAB = HERE / "lab"
#: How far the others step back behind it, as nice(1) counts.
STEP = 5
STEPPED_BACK: list[int] = []

# Where the caller's environment keeps Python from keeping what it compiled, every worker compiles
# all of the tests anew, and every command and consumer that a test starts all of the project.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
#: The folder in memory that is this run's own; None where another keeps it, or the disk is used.
IN_MEMORY = in_memory.use() if in_memory.wanted() else None


def pytest_collection_modifyitems(items):
    for item in items:
        if ON_THE_LAB in item.path.parents:
            item.add_marker(pytest.mark.lab)


class OneWorkerForTheLab(LoadScopeScheduling):
    """Give each test to the next free worker, but all of the lab's to one, as its first work."""

    def _split_scope(self, nodeid):
        return "lab" if nodeid.startswith("tests/lab/") else nodeid


def pytest_xdist_make_scheduler(config, log):
    return OneWorkerForTheLab(config, log)


def pytest_runtest_setup(item):
    """The lab's tests are the longest way through: whoever has none of them steps back for them.

    One worker has the lab as its first work, so a worker's first test tells.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker and not STEPPED_BACK:
        STEPPED_BACK.append(0 if item.get_closest_marker("lab") else os.nice(STEP))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        reasons = {str(report.longrepr[2]) for report in skipped}
        terminalreporter.section(f"NOT TESTED HERE: {len(skipped)}", red=True, bold=True)
        for reason in sorted(reasons):
            terminalreporter.write_line(reason.removeprefix("Skipped: "))


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("CI") == "true" and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    if IN_MEMORY is None:
        return
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and (reporter.stats.get("failed") or reporter.stats.get("error")):
        sys.stdout.write(f"what was temporary is kept until the next run: {IN_MEMORY}\n")
    else:
        in_memory.remove(IN_MEMORY)
