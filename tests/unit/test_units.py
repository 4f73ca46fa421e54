"""The rendered units hold before systemd's own checks, and the env file before the consumer."""

from __future__ import annotations

import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from harness.masking import Secret
from tests.needing import not_tested
from tests.unit.rendered_roles import CONSUMERS, EXECUTION_UNIT, HOST, UNIT, having, text

#: systemd-analyze counts in tenths: exposure 1.0 or less, and 1.2 for what needs the internet.
THRESHOLD, OUTSIDE_THRESHOLD = 10, 12
ON_AN_EXCHANGE = having(
    exchange="binance_futures", exchange_api_key=Secret("k"), exchange_api_secret=Secret("s")
)
#: (unit, host) of every consumer's unit there is
UNITS = [*((unit, HOST) for _, unit in CONSUMERS.values()), (EXECUTION_UNIT, ON_AN_EXCHANGE)]
MEASURED = having(execution_metrics_port=9120, decision_intelligence_metrics_port=9110)
UNITS += [(EXECUTION_UNIT, MEASURED)]
DROP_IN = "/etc/systemd/system/redis-server.service.d/quantum.conf"


def needed(program: str) -> str:
    """Return the program's path; without it this is skipped at home and fails under CI."""
    path = shutil.which(program)
    if path is None:
        not_tested(f"no {program} here")
    return path


def analyze(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [needed("systemd-analyze"), *words], capture_output=True, text=True, timeout=60, check=False
    )


def placed(tmp_path: Path, content: str, unit: str = UNIT) -> str:
    path = tmp_path / Path(unit).name
    path.write_text(content)
    return str(path)


def security(tmp_path: Path, content: str, unit: str = UNIT, threshold: int = THRESHOLD) -> int:
    path = placed(tmp_path, content, unit)
    words = ("--offline=true", f"--threshold={threshold}", "--no-pager", path)
    return analyze("security", *words).returncode


@pytest.mark.parametrize("unit", [unit for _, unit in CONSUMERS.values()])
def test_a_consumers_unit_is_exposed_by_no_more_than_one(tmp_path, unit):
    assert security(tmp_path, text(unit), unit) == 0


def test_an_executor_that_needs_the_internet_is_exposed_a_little_more(tmp_path):
    content = text(EXECUTION_UNIT, ON_AN_EXCHANGE)
    assert security(tmp_path, content, EXECUTION_UNIT, OUTSIDE_THRESHOLD) == 0
    assert security(tmp_path, content, EXECUTION_UNIT, THRESHOLD) != 0


@pytest.mark.parametrize(
    "line", ["DynamicUser=yes", "CapabilityBoundingSet=", "SystemCallFilter=@system-service",
             "RestrictNamespaces=yes", "IPAddressDeny=any"],
)  # fmt: skip
def test_without_any_one_of_its_walls_the_measure_says_no(tmp_path, line):
    assert f"\n{line}\n" in text(UNIT)
    assert security(tmp_path, text(UNIT).replace(f"\n{line}\n", "\n")) != 0


@pytest.mark.parametrize(("unit", "host"), UNITS)
def test_systemd_accepts_every_line_of_the_unit(tmp_path, unit, host):
    done = analyze("verify", "--recursive-errors=yes", placed(tmp_path, text(unit, host), unit))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_unit_listens_on_its_metrics_port_alone_and_without_one_nowhere():
    for unit, port in ((UNIT, 9110), (EXECUTION_UNIT, 9121)):
        assert "SystemCallFilter=~bind listen" in text(unit)
        assert "SocketBind" not in text(unit)
        listening = text(unit, MEASURED)
        assert f"SocketBindDeny=any\nSocketBindAllow=tcp:{port}\n" in listening
        assert "bind listen" not in listening


def test_nothing_that_a_unit_mounts_for_itself_is_left_executable():
    assert "\nNoExecPaths=/ /tmp /var/tmp /dev/shm\n" in text(UNIT)
    assert "\nNoExecPaths=-/run/redis -/var/lib/redis -/var/log/redis /tmp " in text(DROP_IN)


def test_systemd_would_have_told_of_a_typo(tmp_path):
    unit = text(UNIT).replace("MemoryMax=", "MemoryMx=")
    done = analyze("verify", "--recursive-errors=yes", placed(tmp_path, unit))
    assert done.returncode != 0 or "MemoryMx" in done.stderr


def test_debians_redis_unit_accepts_the_drop_in(tmp_path):
    vendor = Path("/lib/systemd/system/redis-server.service")
    if not vendor.exists():
        not_tested("Debian's redis-server is not installed here")
    (tmp_path / "redis-server.service").write_bytes(vendor.read_bytes())
    folder = tmp_path / "redis-server.service.d"
    folder.mkdir()
    (folder / "quantum.conf").write_text(text(DROP_IN))
    unit = str(tmp_path / "redis-server.service")
    done = analyze("verify", "--recursive-errors=yes", unit)
    assert "quantum.conf" not in done.stdout + done.stderr


@pytest.mark.parametrize("role", CONSUMERS)
def test_the_consumer_itself_accepts_its_env_file(tmp_path, role):
    """`--check-config` of the real consumer over the rendered file."""
    from consumers.loop.settings import read_file

    settings = import_module(f"consumers.{role}").CONSUMER.settings
    path = tmp_path / "env"
    path.write_text(text(CONSUMERS[role][0]))
    found = read_file(settings, path, {})
    assert (found.redis_host, found.quantum_mode) == ("10.0.0.1", "testnet")
    if role != "execution":
        assert found.consumer_name == "db1-1"


def test_an_executor_with_its_unit_s_words_is_named_after_host_and_instance(tmp_path):
    """As systemd puts them together: Environment= first, then the env file."""
    from consumers.loop.settings import read
    from harness.sandbox.unit_files import Unit, variables

    content = text(EXECUTION_UNIT, having(execution_metrics_port=9120))
    unit = Unit(((EXECUTION_UNIT, content.replace("EnvironmentFile=", "#")),))
    given = {**unit.environment(tmp_path), **variables(text(CONSUMERS["execution"][0]))}
    found = read(import_module("consumers.execution").CONSUMER.settings, given)
    assert (found.consumer_name, found.metrics_port) == ("db1-1", 9121)
    assert found.shut == ("TRADING_ENABLED=false", "SAFE_DRAIN=true")
