"""The SSH connection against real sshd: what works, and every way in which it says no."""

import subprocess
import threading

import pytest

from harness.errors import (
    ConfigurationError,
    HostKeyError,
    PrivilegeError,
    UnreachableError,
)
from harness.links.known_hosts import append, keys_for
from harness.links.redis_link import redis_through
from harness.links.ssh import connect, destination, offered_key
from harness.masking import Secret
from lab import breaking, entering

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def redis_port(lab_hosts):
    """A Redis with a password inside lab1, on the host's loopback only."""
    host = lab_hosts[0]
    entering.inside(
        host, "redis-server", "--port", "7777", "--bind", "127.0.0.1", "--requirepass", "sesame",
        "--save", "", "--daemonize", "yes", "--dir", "/tmp",
    )  # fmt: skip
    yield 7777
    entering.inside(
        host, "redis-cli", "-p", "7777", "--no-auth-warning", "-a", "sesame", "shutdown", "nosave",
        check=False,
    )  # fmt: skip


def another_key(folder, name="other"):
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def test_words_arrive_as_they_were_meant(first):
    words = ("a b", "$HOME", "'quoted'", "*", "", "two\nlines", "ü")
    with connect(first) as link:
        process = link.exec(("python3", "-c", "import sys; print(sys.argv[1:])", *words))
        assert process.stdout.read().decode() == f"{list(words)}\n"
        assert process.exit_status() == 0
        assert process.explain() is None


def test_bytes_go_there_and_back_unchanged_while_stderr_is_noisy(first):
    noise = "import sys; sys.stderr.write('x' * 4_000_000 + 'the end')"
    data = bytes(range(256)) * 20_000
    with connect(first) as link:
        process = link.exec(("sh", "-c", f'python3 -c "{noise}"; cat'))
        sender = threading.Thread(target=lambda: (process.stdin.write(data), process.stdin.close()))
        sender.start()
        assert process.stdout.read() == data
        sender.join()
        assert process.exit_status() == 0
        assert process.stderr_tail().endswith("the end")


def test_a_failing_program_is_explained_by_its_last_words(first):
    with connect(first) as link:
        process = link.exec(("sh", "-c", "echo it went wrong >&2; exit 7"))
        assert process.stdout.read() == b""
        error = process.explain()
    assert isinstance(error, UnreachableError)
    assert "ended with 7: it went wrong" in error.cause
    assert error.host == "lab1"


def test_writing_to_a_program_that_has_ended_is_a_broken_pipe(first):
    with connect(first) as link:
        process = link.exec(("true",))
        process.exit_status()
        process.stdout.read()
        with pytest.raises(BrokenPipeError):
            process.stdin.write(b"x" * 8_000_000)


def test_an_unknown_host_key_is_refused_with_the_command_that_trusts_it(
    lab_hosts, tmp_path, as_host
):
    host = as_host(lab_hosts[0], known_hosts=tmp_path / "none")
    with pytest.raises(HostKeyError, match="is unknown: ssh-ed25519 SHA256:") as caught:
        connect(host)
    assert caught.value.action == "invoke hosts.trust -i lab --limit lab1"
    assert caught.value.exit_code == 3
    assert not (tmp_path / "none").exists()


def test_a_changed_host_key_is_refused_with_both_fingerprints(lab_hosts, tmp_path, as_host):
    wrong = another_key(tmp_path).with_suffix(".pub").read_text()
    known = tmp_path / "known_hosts"
    known.write_text(f"{lab_hosts[0].address} {wrong}")
    with pytest.raises(HostKeyError, match="CHANGED") as caught:
        connect(as_host(lab_hosts[0], known_hosts=known))
    assert caught.value.cause.count("SHA256:") == 2
    assert f"ssh-keygen -R {lab_hosts[0].address} -f {known}" in caught.value.action


def test_trusting_a_key_lets_the_next_connection_in(lab_hosts, tmp_path, as_host):
    host = as_host(lab_hosts[0], known_hosts=tmp_path / "deep" / "known_hosts")
    append(destination(host), offered_key(host))
    connect(host).close()
    assert host.known_hosts.stat().st_mode & 0o777 == 0o600


def test_trusting_never_replaces_a_changed_key(lab_hosts, tmp_path, as_host):
    known = tmp_path / "known_hosts"
    known.write_text(
        f"{lab_hosts[0].address} {another_key(tmp_path).with_suffix('.pub').read_text()}"
    )
    before = known.read_bytes()
    host = as_host(lab_hosts[0], known_hosts=known)
    with pytest.raises(HostKeyError, match="CHANGED"):
        append(destination(host), offered_key(host))
    assert known.read_bytes() == before


def test_a_known_hosts_without_a_last_newline_is_not_spoiled(lab_hosts, tmp_path, as_host):
    known = tmp_path / "known_hosts"
    other = another_key(tmp_path).with_suffix(".pub").read_text().strip()
    known.write_text(f"elsewhere {other}")
    host = as_host(lab_hosts[0], known_hosts=known)
    append(destination(host), offered_key(host))
    assert known.read_text().startswith(f"elsewhere {other}\n{lab_hosts[0].address} ssh-ed25519 ")
    assert keys_for(destination(host))


def test_a_wrong_user_key_is_refused_by_name(lab_hosts, tmp_path, as_host):
    key = another_key(tmp_path)
    with pytest.raises(UnreachableError, match="was not accepted for user ops") as caught:
        connect(as_host(lab_hosts[0], private_key=key))
    assert str(key) in caught.value.action


@pytest.mark.parametrize("content", [None, "not a key"])
def test_a_key_file_that_is_no_key_is_a_configuration_error(lab_hosts, tmp_path, content, as_host):
    path = tmp_path / "key"
    if content:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="key"):
        connect(as_host(lab_hosts[0], private_key=path))


def test_a_key_with_a_passphrase_asks_for_the_agent(lab_hosts, tmp_path, as_host):
    path = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", path], check=True)
    with pytest.raises(ConfigurationError, match="passphrase") as caught:
        connect(as_host(lab_hosts[0], private_key=path))
    assert caught.value.action.startswith("ssh-add ")


def test_a_port_where_nothing_listens_is_unreachable_with_the_ssh_command(
    first, lab_hosts, as_host
):
    host = as_host(lab_hosts[0], port=2)
    with pytest.raises(UnreachableError, match="refused") as caught:
        connect(host)
    assert caught.value.step == "connecting"
    assert caught.value.action.startswith("ssh -p 2 -i ")


def test_a_name_that_does_not_resolve_is_said_so(lab_hosts, as_host):
    with pytest.raises(UnreachableError, match="does not resolve"):
        connect(as_host(lab_hosts[0], address="no-such-host.invalid"))


def test_a_host_that_is_down_is_unreachable(last, as_host):
    breaking.power_off(last)
    with pytest.raises(UnreachableError) as caught:
        connect(as_host(last), deadline_s=3)
    assert caught.value.host == "lab3"


def test_a_host_that_swallows_everything_ends_by_the_deadline(last, as_host):
    with breaking.silent(last), pytest.raises(UnreachableError, match=r"no answer|not connected"):
        connect(as_host(last), deadline_s=1)
    connect(as_host(last)).close()


def test_a_host_that_hangs_after_the_tcp_handshake_ends_by_the_deadline(last, as_host):
    entering.inside(last, "systemctl", "freeze", "ssh.service")
    try:
        with pytest.raises(UnreachableError) as caught:
            connect(as_host(last), deadline_s=1)
    finally:
        entering.inside(last, "systemctl", "thaw", "ssh.service")
    assert caught.value.host == "lab3"


def test_a_host_that_dies_under_a_running_program_ends_its_output(last, as_host):
    with connect(as_host(last)) as link:
        process = link.exec(("sh", "-c", "echo ready; cat"))
        assert process.stdout.readline() == b"ready\n"
        entering.inside(last, "sh", "-c", "pkill -9 -f '[s]shd: ops'")
        assert process.stdout.read() == b""
        error = process.explain()
        assert isinstance(error, UnreachableError)
        assert error.cause == "the connection broke"
        with pytest.raises(UnreachableError, match="broken"):
            link.exec(("true",))


def test_a_host_cut_off_under_a_running_program_is_noticed(last, as_host, monkeypatch):
    monkeypatch.setattr("harness.links.way.KEEPALIVE_S", 1)
    monkeypatch.setattr("harness.links.way.UNACKNOWLEDGED_S", 1)
    with connect(as_host(last)) as link:
        process = link.exec(("sh", "-c", "echo ready; cat"))
        assert process.stdout.readline() == b"ready\n"
        with breaking.silent(last):
            assert process.stdout.read() == b""
        assert process.explain().cause == "the connection broke"


def test_starting_a_program_on_a_host_cut_off_ends_by_its_deadline(last, as_host, monkeypatch):
    monkeypatch.setattr("harness.links.ssh.CHANNEL_WITHIN_S", 1)
    link = connect(as_host(last))
    with breaking.silent(last), pytest.raises(UnreachableError) as caught:
        link.exec(("true",))
    link.close()
    assert caught.value.step == "starting a program"


def test_a_refused_sudo_is_a_privilege_error(last, as_host):
    with breaking.without_sudo(last), connect(as_host(last)) as link:
        process = link.exec(("sudo", "-n", "true"))
        assert process.stdout.read() == b""
        error = process.explain()
    assert isinstance(error, PrivilegeError)
    assert "password is required" in error.cause
    assert error.exit_code == 3
    with connect(as_host(last)) as link:
        assert link.exec(("sudo", "-n", "true")).exit_status() == 0


def test_many_at_once_get_in_although_sshd_turns_some_away(first):
    from harness.fanout import each, errors

    answers = each([first] * 25, lambda host: connect(host, deadline_s=60).close())
    assert errors(answers) == []


def test_redis_answers_through_ssh(first, redis_port):
    with connect(first) as link:
        client = redis_through(link, "127.0.0.1", redis_port, 0, "", Secret("sesame"))
        assert client.set("big", b"x" * 3_000_000)
        assert len(client.get("big")) == 3_000_000
        client.close()


def test_redis_with_a_wrong_password_is_said_so_without_the_password(first, redis_port):
    with connect(first) as link, pytest.raises(UnreachableError, match="refuses the login") as e:
        redis_through(link, "127.0.0.1", redis_port, 0, "", Secret("wrong-one"))
    assert "wrong-one" not in str(e.value)


def test_a_redis_that_is_not_there_is_said_so(first):
    with connect(first) as link, pytest.raises(UnreachableError, match="Connect failed") as e:
        redis_through(link, "127.0.0.1", 7778)
    assert e.value.host == "lab1"
    assert "127.0.0.1:7778" in e.value.step


def test_closing_twice_is_fine_and_ends_dialled_sockets(first, redis_port):
    link = connect(first)
    sock = link.dial("127.0.0.1", redis_port)
    link.close()
    link.close()
    sock.settimeout(60)
    assert sock.recv(1) == b""
    sock.close()


def test_trusting_without_a_terminal_needs_yes_and_writes_nothing(lab_hosts, tmp_path, as_host):
    from commands.hosts import trust_one

    host = as_host(lab_hosts[0], known_hosts=tmp_path / "known_hosts")
    with pytest.raises(ConfigurationError, match="nobody agreed") as caught:
        trust_one(host, yes=False)
    assert caught.value.exit_code == 3
    assert not host.known_hosts.exists()
    assert trust_one(host, yes=True).startswith("trusted: ssh-ed25519 SHA256:")
    assert trust_one(host, yes=False).startswith("is trusted already")
