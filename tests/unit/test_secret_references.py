"""A secret is fetched where it is kept, and never shown on the way."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from harness.errors import SecretError
from harness.host import Host
from harness.inventory.secret_references import SecretReference, fetch, is_secret, parse, resolve
from harness.masking import Secret
from tests.needing import not_tested
from tests.waiting import until

VALUE = "hunter2-äöü"


def python(code: str) -> SecretReference:
    return SecretReference("command", shlex.join([sys.executable, "-c", code]))


def kept(tmp_path: Path, content: bytes, mode: int = 0o600) -> SecretReference:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return SecretReference("file", str(path))


@pytest.mark.parametrize("name", ["redis_password", "exchange_api_key", "exchange_api_secret",
                                  "password", "alert_token", "ssh_passphrase"])  # fmt: skip
def test_names_of_secrets_are_known(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["redis_host", "log_level", "compass", "dedup_key_ttl", "roles"])
def test_other_names_are_none(name):
    assert not is_secret(name)


@pytest.mark.parametrize("text", ["env:X", "file:~/x", "command:pass show a b", "env: X "])
def test_references_are_recognised(text):
    assert parse(text)


@pytest.mark.parametrize("text", ["", "hunter2", "env:", "file: ", "vault:x", "ENV:X", "x env:Y"])
def test_other_texts_are_none(text):
    assert parse(text) is None


def test_from_the_environment():
    reference = SecretReference("env", "PW")
    assert fetch(reference, environment={"PW": VALUE}) == Secret(VALUE)


def test_from_a_file_without_its_last_newline(tmp_path):
    assert fetch(kept(tmp_path, f"{VALUE}\n".encode())) == Secret(VALUE)
    assert fetch(kept(tmp_path, b"two\n\n")) == Secret("two\n")


def test_from_a_command():
    assert fetch(python(f"print({VALUE!r})")) == Secret(VALUE)


def test_a_command_is_no_shell(tmp_path):
    reference = SecretReference("command", f"echo $HOME; touch {tmp_path}/x")
    assert fetch(reference) == Secret(f"$HOME; touch {tmp_path}/x")
    assert not (tmp_path / "x").exists()


def test_a_command_runs_once_for_all_hosts(tmp_path):
    count = tmp_path / "count"
    reference = python(f"open({str(count)!r}, 'a').write('x'); print('pw')")
    host = Host("a", "lab", "sandbox", (), values={"redis_password": reference})
    assert resolve(host).values["redis_password"] == Secret("pw")
    assert resolve(host).values["redis_password"] == Secret("pw")
    assert count.read_text() == "x"


def refused(reference: SecretReference, words: str, **how) -> SecretError:
    with pytest.raises(SecretError) as caught:
        fetch(reference, **how)
    error = caught.value
    assert words in str(error)
    assert str(reference) in str(error)
    assert VALUE not in f"{error!r}{error.action}{error.__cause__}"
    assert error.action
    return error


def test_a_variable_that_is_not_set_is_refused():
    refused(SecretReference("env", "NOT_THERE"), "is not set", environment={})


@pytest.mark.parametrize("value", ["", "\n"])
def test_an_empty_secret_is_refused(value):
    refused(SecretReference("env", "PW"), "is empty", environment={"PW": value})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620, 0o610])
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path, mode):
    error = refused(kept(tmp_path, VALUE.encode(), mode), f"mode {mode:04o}")
    assert error.action.startswith("chmod 600")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    refused(SecretReference("file", str(tmp_path / "none")), "No such file")


def test_a_directory_and_a_pipe_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    refused(SecretReference("file", str(tmp_path / "pipe")), "no regular file")
    refused(SecretReference("file", str(tmp_path)), "no regular file")


def test_somebody_elses_file_is_refused(tmp_path):
    if os.geteuid() != 0:
        not_tested("only root can give a file away")
    reference = kept(tmp_path, VALUE.encode())
    os.chown(reference.where, 12345, 12345)
    refused(reference, "belongs to somebody else")


@pytest.mark.parametrize("content", [b"a\0b", b"\xff\xfe", b"x" * 70_000])
def test_what_is_no_short_text_is_refused(tmp_path, content):
    refused(kept(tmp_path, content), "is ")


def test_a_failing_command_is_refused(tmp_path):
    path = kept(tmp_path, VALUE.encode()).where
    error = refused(python(f"print(open({path!r}).read()); raise SystemExit(3)"), "exit code 3")
    assert "by hand" in error.action


def test_a_command_that_is_not_there_is_refused():
    refused(SecretReference("command", "no-such-program x"), "No such file")
    refused(SecretReference("command", "unclosed 'quote"), "No closing quotation")


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path):
    alive = tmp_path / "pid"
    code = (
        "import os, subprocess, time, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(alive)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    refused(python(code), "did not answer within 5 s", within_s=5.0)
    state = Path(f"/proc/{alive.read_text()}/stat")

    def ended():
        try:
            return state.read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True

    until(ended)


def test_a_command_that_never_ends_its_answer_is_cut_off():
    endless = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    refused(python(endless), "longer than", within_s=60.0)


def test_an_error_names_host_and_variable():
    reference = SecretReference("env", "QUANTUM_TEST_NOT_SET")
    host = Host("db1", "lab", "sandbox", (), values={"redis_password": reference})
    with pytest.raises(SecretError) as caught:
        resolve(host)
    assert (caught.value.host, caught.value.step) == ("db1", "secret redis_password")


def test_what_is_resolved_shows_nothing():
    reference = SecretReference("env", "HOME")
    host = Host("a", "lab", "sandbox", (), values={"redis_password": reference, "redis_port": 1})
    resolved = resolve(host)
    assert os.environ["HOME"] not in repr(resolved.values["redis_password"])
    assert resolved.values["redis_port"] == 1
