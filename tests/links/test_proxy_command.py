"""ProxyCommand: a program as the way to a host, its complaints, its end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.errors import UnreachableError
from harness.links import ssh
from harness.links.proxy_command import ProgramSocket
from harness.links.trying_again import RefusedError
from tests.links.homes import PATIENT_S, host, says
from tests.waiting import until

RELAY = """\
import os, socket, sys, threading
open(sys.argv[3], "a").write(f"{os.getpid()}\\n")
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def back():
    while data := sock.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    sock.sendall(data)
"""


@pytest.fixture
def relay(home):
    """A program that carries bytes and notes its process; through it web is reached."""
    (home.path / "relay.py").write_text(RELAY)
    home.starts("web")
    home.says(f"ProxyCommand {sys.executable} ~/relay.py %h %p ~/pids 2>/dev/null\n")
    return lambda: [int(line) for line in (home.path / "pids").read_text().split()]


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_program_carries_the_connection_and_ends_with_it(relay):
    assert says("web") == "a b"
    (pid,) = relay()
    until(lambda: gone(pid))


def test_host_keys_are_checked_behind_a_proxy_command_too(relay, home):
    (home.ssh / "known_hosts").unlink()
    with pytest.raises(UnreachableError, match="is unknown"):
        ssh.connect(host("web"), deadline_s=PATIENT_S)
    until(lambda: all(map(gone, relay())))


def test_a_program_may_lead_to_the_jump_host(relay, home):
    (gw,) = home.starts("gw", config=False)
    web = home.servers["web"]
    through = (home.ssh / "config").read_text().replace("Host web", "Host gw")
    home.config(f"Host web\n  HostName 127.0.0.1\n  Port {web.port}\n  ProxyJump gw\n")
    home.says(through.replace(str(web.port), str(gw.port)))
    assert says("web") == "a b"
    assert gw.passed_on == [("127.0.0.1", web.port)]


def refused(deadline_s: float = PATIENT_S) -> UnreachableError:
    with pytest.raises(UnreachableError) as caught:
        ssh.connect(host("web"), deadline_s=deadline_s)
    assert caught.value.action == "ssh ada@web"
    return caught.value


def test_a_program_that_fails_is_told_by_its_last_words_and_soon(home):
    program = "sh -c 'echo x >>~/tries; echo the tunnel is shut >&2; exit 7'"
    home.config(f"Host web\n  ProxyCommand {program}\n")
    assert refused().cause == "the ProxyCommand ended with 7: the tunnel is shut"
    assert len((home.path / "tries").read_text().split()) == RefusedError.tries


def test_a_program_that_is_not_there_is_told(home):
    home.config("Host web\n  ProxyCommand no-such-program %h\n")
    cause = refused().cause
    assert cause.startswith("the ProxyCommand ended with 127")
    assert "no-such-program" in cause


def test_a_program_that_says_nothing_ends_by_the_deadline_and_is_ended(home):
    home.config("Host web\n  ProxyCommand sh -c 'echo $$ >~/pid; sleep 300'\n")
    assert "not connected after 1 s" in refused(deadline_s=1).cause
    until(lambda: gone(int((home.path / "pid").read_text())))


def test_a_program_that_ignores_the_end_is_killed_with_what_it_started(tmp_path):
    sock = ProgramSocket(f"sh -c 'trap : HUP; sleep 300 & echo $! >{tmp_path}/pid; echo up; wait'")
    assert sock.recv(3) == b"up\n"
    sock.close()
    sock.close()
    pid = int((tmp_path / "pid").read_text())
    until(lambda: gone(pid) or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z")
