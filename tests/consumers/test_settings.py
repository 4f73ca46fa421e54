"""Settings: what is accepted, and every way in which a start is stopped with one line."""

import subprocess
import sys

import pytest

from consumers.analytics.settings import Settings
from consumers.loop import settings
from consumers.loop.failing import StartError
from tests.consumers.running import ROOT
from tests.contexts import defaults


def read(environ):
    return settings.read(Settings, environ)


DEFAULTS = defaults(Settings)


def test_without_any_setting_the_defaults_of_the_contract_hold():
    wanted = read({})
    assert (wanted.redis_host, wanted.redis_port, wanted.redis_db) == ("localhost", 6379, 0)
    assert wanted.batch_size == 1000
    assert wanted.claim_idle_ms == 5000
    assert wanted.snapshot_interval_s == 60
    assert wanted.enable_symbol_breakdown is True
    assert wanted.consumer_name.endswith("-1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_PORT", "0"), ("REDIS_PORT", "65536"), ("REDIS_PORT", "6379 "), ("REDIS_PORT", ""),
        ("REDIS_PORT", "1e3"), ("REDIS_DB", "-1"), ("REDIS_HOST", ""), ("REDIS_HOST", "a b"),
        ("REDIS_SENTINELS", "a:1"), ("LOG_LEVEL", "info"), ("CONSUMER_NAME", "a b"),
        ("BATCH_SIZE", "0"), ("BATCH_SIZE", "5001"), ("METRICS_PORT", "65536"),
        ("QUANTUM_MODE", "prod"), ("QUANTUM_FAILPOINTS", "x=1*kill"),
        ("QUANTUM_FAILPOINTS", "a.b=1*die"), ("CLAIM_IDLE_MS", "0"),
        ("MAX_DELIVERIES", "0"), ("STREAM_APPLY_RESULT", ""), ("GROUP_DECISION_INTELLIGENCE", "\n"),
        ("ENABLE_SYMBOL_BREAKDOWN", "maybe"), ("SNAPSHOT_INTERVAL_S", "0"),
        ("SNAPSHOT_INTERVAL_S", "nan"), ("SNAPSHOT_INTERVAL_S", "1m"), ("ALERT_HIGH", "1.5"),
        ("ALERT_MEDIUM", "x"), ("ALERT_CRITICAL", "-1"), ("ALERT_COOLDOWN_S", "x"),
        ("ALERT_MIN_EVENTS", "0"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_name(name, value):
    with pytest.raises(StartError, match=f"^{name} must be"):
        read({name: value})


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_every_default_is_itself_a_good_value(name):
    read({name: DEFAULTS[name]})


def test_a_name_in_the_env_file_that_nobody_knows_is_refused_with_a_hint():
    with pytest.raises(StartError, match=r"BATCHSIZE is no setting .* did you mean BATCH_SIZE"):
        read({"QUANTUM_ENV_NAMES": "REDIS_HOST BATCHSIZE"})


def test_names_that_are_none_of_ours_are_nobodys_business():
    assert read({"PATH": "/usr/bin", "BATCHSIZE": "5"}).batch_size == 1000


def test_what_the_deploy_carries_is_accepted():
    carried = {"QUANTUM_ENV_DIGEST": "x", "QUANTUM_UNIT_DIGEST": "y", "QUANTUM_RELEASE": "abc"}
    assert read({**carried, "QUANTUM_ENV_NAMES": "QUANTUM_ENV_DIGEST,REDIS_HOST"}).release == "abc"


def test_a_password_shows_nowhere(tmp_path):
    settings = read({"REDIS_PASSWORD": "hidden"})
    assert settings.redis_password == "hidden"
    assert "hidden" not in repr(settings)


def test_the_credential_comes_first(tmp_path):
    (tmp_path / "redis_password").write_text("from the file\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "REDIS_PASSWORD": "from the variable"}
    assert read(environ).redis_password == "from the file"
    (tmp_path / "redis_password").unlink()
    assert read(environ).redis_password == "from the variable"


def test_a_credential_that_cannot_be_read_stops_the_start(tmp_path):
    (tmp_path / "redis_password").mkdir()
    with pytest.raises(StartError, match="credential redis_password cannot be read"):
        read({"CREDENTIALS_DIRECTORY": str(tmp_path)})


def run(*words, **environ):
    command = [sys.executable, "-m", "consumers.decision_intelligence", *map(str, words)]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_bad_setting_ends_the_program_with_one_line_and_3():
    code, out, err = run(BATCH_SIZE="many")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "BATCH_SIZE must be a whole number from 1 to 5000, not 'many'" in err


def test_settings_can_be_checked_without_starting():
    assert run("--check-config") == (0, "", "")
    assert run("--check-config", REDIS_PORT="x")[0] == 3


def test_an_env_file_can_be_checked(tmp_path):
    file = tmp_path / "env"
    file.write_text('# words\n\nQUANTUM_ENV_DIGEST=x\nREDIS_HOST=localhost\nBATCH_SIZE="50"\n')
    assert run("--check-config", file) == (0, "", "")
    for text, word in [
        ("BATCHSIZE=5", "did you mean BATCH_SIZE"),
        ("words", "NAME=value is wanted"),
    ]:
        file.write_text(text)
        code, _, err = run("--check-config", file)
        assert code == 3
        assert word in err
    assert run("--check-config", tmp_path / "missing")[0] == 3


def test_words_that_mean_nothing_are_answered_with_the_usage():
    code, _, err = run("--help-me")
    assert code == 3
    assert err.startswith("usage:")
