"""Run the oracles at their full size and write down what was seen: `make soak`.

    python -m tests.oracles.soak [TOPIC ...]

A run leaves docs/soak/<when>-<topic>.json, whether it passed or failed, and the table of all of
them in docs/soak/README.md. Exit codes: 0 everything passed; 1 something did not; 3 no such topic.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.oracles import recording

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "docs" / "soak"
#: What a run is about: with changes here since the commit, it is another one's.
RUNS = ("streams", "consumers", "harness", "fault_injection", "proofs", "tests")
#: No case may take longer, in seconds.
CASE_WITHIN_S = 7_200

#: Topic -> what its run is about, and where its tests are.
TOPICS = {
    "blows": (
        "decision intelligence: kills and freezes amid traffic, every entry counted once",
        "tests/oracles/test_blows.py",
    ),
    "alone": (
        "decision intelligence: one alone, which catches up, killed and overtaken amid a backlog",
        "tests/oracles/test_alone.py",
    ),
    "moved-groups": (
        "decision intelligence: a group destroyed or set back amid traffic stops all its consumers",
        "tests/oracles/test_moved_amid_traffic.py",
    ),
    "slow-and-dead": (
        "any consumer: slow ones keep their entries, dead ones lose them",
        "tests/oracles/test_slow_and_dead.py",
    ),
    "restarts": (
        "any consumer: restarts leave no ghosts and drop nothing",
        "tests/oracles/test_restarts.py",
    ),
    "router": (
        "strategy router: a kill or a lost reply at every command",
        "tests/router",
    ),
    "execution": (
        "execution: a kill or a lost reply at every command, judged at the exchange",
        "tests/execution",
    ),
    "switch": (
        "agent on the hosts: a confirm and the dead man's switch at the same moment, one wins",
        "tests/agent/test_confirm_races.py",
    ),
    "agent": (
        "agent on the hosts: a kill at every file operation of a deploy",
        "tests/agent/test_crash_walk.py",
    ),
    "system-calls": (
        "agent on the hosts: a kill on the way into every system call of a deploy and an undo",
        "tests/agent/test_syscall_walk.py",
    ),
    "cut-link": (
        "agent on the hosts: the link cut before and within every frame, either way",
        "tests/agent/test_cut_link.py",
    ),
    "trees": (
        "agent on the hosts: generated trees and units, deployed and rolled back to the last bit",
        "tests/agent/test_generated_trees.py",
    ),
    "plans": (
        "agent on the hosts: on generated hosts, what is planned is exactly what changes",
        "tests/agent/test_generated_plans.py",
    ),
    "faults": (
        "agent on the hosts: an injector killed at every boundary of every kind of fault, and undo",
        "tests/agent/test_fault_walk.py",
    ),
    "histories": (
        "fault runs: clean histories are proved, planted bugs refuted, half ones never believed",
        "tests/checkers",
    ),
    "kill-matrix": (
        "all consumers: killed at every failpoint beside whatever else goes wrong, nothing is lost",
        "tests/kill_matrix",
    ),
    "pruning": (
        "agent on the hosts: what is forgotten is never what a promised rollback needs",
        "tests/agent/test_pruning.py",
    ),
    "deploys": (
        "deploys on a sandbox: laptops killed at any moment, two at once, broken releases",
        "tests/e2e/test_deploys_amid_faults.py",
    ),
    "runs": (
        "fault runs on a sandbox: the harness killed at any moment, resumed, nothing left broken",
        "tests/runs",
    ),
    "shrinking": (
        "fault runs on a sandbox: twenty faults and a planted bug shrink to what it takes",
        "tests/runs/soak_shrinking.py",
    ),
}
#: So many of a topic's cases go on at once, where they mostly wait; else one after the other.
AT_ONCE = {"runs": 4}


def main(words):
    """Run the topics named, or all."""
    unknown = [each for each in words if each not in TOPICS]
    if unknown:
        sys.stderr.write(f"no such topic: {unknown[0]}; there are {', '.join(TOPICS)}\n")
        return 3
    outcomes = [soaked(topic) for topic in words or TOPICS]
    return 0 if set(outcomes) == {"passed"} else 1


def soaked(topic):
    """Run one topic's tests, write its record, return its outcome."""
    what, where = TOPICS[topic]
    started, begun = datetime.now(UTC), time.monotonic()
    commit, changed = state_of_the_tree()
    sys.stdout.write(f"\n== {topic}: {what}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="quantum-soak-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", str(AT_ONCE.get(topic, 0)), "-vv", where]
        command += [f"--timeout={CASE_WITHIN_S}", f"--junitxml={report}"]
        environ = {**os.environ, "QUANTUM_SOAK": "1", "CI": "true"}
        code = subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode
        text = report.read_text(encoding="utf-8") if report.exists() else ""
    record = {
        "topic": topic,
        "what": what,
        "when": started.isoformat(timespec="seconds"),
        "commit": commit,
        "changed_since_commit": changed,
        "machine": machine(),
        "duration_s": round(time.monotonic() - begun),
        **recording.outcome(text, code),
    }
    recording.write(RECORDS, f"{started:%Y%m%dT%H%M%SZ}-{topic}", record)
    sys.stdout.write(f"== {topic}: {record['outcome']}\n")
    return record["outcome"]


def state_of_the_tree():
    """Return the commit, and whether the code that ran is another than the commit's."""
    commit = git("rev-parse", "--short=12", "HEAD").strip()
    return commit, bool(git("status", "--porcelain", "--", *RUNS))


def git(*words):
    run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return run.stdout


def machine():
    """Return what kind of machine this is, without a name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
