"""docs/new-consumer.md: its code is taken from the page and must do what the page says."""

import re
import shutil
import subprocess
import sys

import pytest

from harness.desired import compose
from harness.host import Host
from harness.masking import Secret
from harness.rendering import render
from tests.consumers.running import ROOT, Consumer
from tests.contexts import clean_environment
from tests.waiting import until

GUIDE = ROOT / "docs/new-consumer.md"
STREAM, GROUP = "quantum:stream:execution.result", "fills_by_symbol"
DAY = 20_000
WHEN = {"timestamp": str(DAY * 86_400)}


def blocks():
    """Return path -> code of every block that a line with its path stands before."""
    found = re.findall(
        r"^`([\w/]+\.py)`\n\n```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found
    return dict(found)


@pytest.fixture
def project(tmp_path):
    """A copy of what is shipped, with the guide's files in it."""
    for folder in ("consumers", "streams", "roles"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for path, code in blocks().items():  # what the page says, beside what is there
        (tmp_path / path).write_text(code)
    return tmp_path


def results(client, *states, symbol="BTCUSDT"):
    return [client.xadd(STREAM, {"state": each, "symbol": symbol, **WHEN}) for each in states]


def run(project, port, *words):
    environ = clean_environment() | {"REDIS_PORT": str(port), "CONSUMER_NAME": "one"}
    command = [sys.executable, "-m", "consumers.fills_by_symbol", *words]
    return subprocess.run(
        command, cwd=project, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_guide_s_consumer_counts_fills_and_gives_up_what_it_cannot_read(
    server, client, project
):
    results(client, "FILLED", "REJECTED", "FILLED")
    results(client, "FILLED", symbol="ETHUSDT")
    client.xadd(STREAM, {"state": "FILLED"})
    client.xadd(STREAM, {"state": "FILLED", "symbol": "X", "timestamp": "yesterday"})
    done = run(project, server.port, "--once")
    assert done.returncode == 0, done.stderr
    assert client.hgetall(f"quantum:fills:{DAY}") == {"BTCUSDT": "2", "ETHUSDT": "1"}
    assert client.ttl(f"quantum:fills:{DAY}") > 0
    reasons = [fields["reason"] for _, fields in client.xrange(f"{STREAM}:dlq")]
    assert [reason.partition(":")[0] for reason in reasons] == ["schema", "no_time"]
    assert client.xpending(STREAM, GROUP)["pending"] == 0


def test_killed_amid_its_work_it_counts_each_fill_once(server, client, project, monkeypatch):
    monkeypatch.setattr("tests.consumers.running.ROOT", project)
    results(client, *["FILLED"] * 3_000)
    counted = lambda: int(client.hget(f"quantum:fills:{DAY}", "BTCUSDT") or 0)  # noqa: E731
    made = []
    try:
        for number in range(1, 5):
            made.append(Consumer(project, server.port, module="consumers.fills_by_symbol"))
            until(lambda least=500 * number: counted() >= least)
            made[-1].kill()
        made.append(Consumer(project, server.port, module="consumers.fills_by_symbol"))
        until(lambda: counted() >= 3_000 and client.xpending(STREAM, GROUP)["pending"] == 0)
        assert counted() == 3_000
    finally:
        for each in made:
            each.close()


def test_its_settings_are_as_strict_as_everybody_s(project):
    done = run(project, 1, "--check-config")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (project / "env").write_text("FILLS_TTL=5\n")
    done = run(project, 1, "--check-config", "env")
    assert done.returncode == 3
    assert "did you mean FILLS_TTL_S?" in done.stderr


def test_it_is_written_as_the_house_writes(project):
    for path in blocks():
        words = ["--config", ROOT / "pyproject.toml", project / path]
        for rule in (["check"], ["format", "--check"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *rule, *words],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr


def test_its_role_renders_an_env_file_that_its_program_accepts(project):
    names = {}
    exec(blocks()["roles/fills_by_symbol.py"], names)
    values = {"redis_password": Secret("s")}
    host = Host("h1", "x", "sandbox", ("fills_by_symbol",), values=values)
    wanted = compose(host, names["ROLE"].resources(host), "a" * 64, render)
    files = {each.path: each.content for each in wanted.paths}
    assert "/etc/systemd/system/quantum-fills-by-symbol.service" in files
    (project / "env").write_bytes(files["/etc/quantum/fills-by-symbol.env"])
    assert "FILLS_TTL_S=604800" in (project / "env").read_text()
    done = run(project, 1, "--check-config", "env")
    assert (done.returncode, done.stderr) == (0, "")
