"""Jump hosts, the agent and ProxyCommand with real sshds, ssh-agent and ssh."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.contact import reach
from harness.errors import HostKeyError, UnreachableError
from harness.links.ssh import connect
from lab import breaking
from lab.places import CLIENT_KEY, KNOWN_HOSTS
from tests.waiting import until

pytestmark = pytest.mark.lab


@pytest.fixture
def home(monkeypatch, lab_hosts):
    """A person's ssh_config: front is lab1; the key is in an agent and nowhere else."""
    folder = Path(tempfile.mkdtemp(prefix="qo-home-"))  # a socket's path must be short
    (folder / ".ssh").mkdir(mode=0o700)
    config = f"Host *\n  User ops\n  UserKnownHostsFile {KNOWN_HOSTS}\n"
    front = f"Host front\n  HostName {lab_hosts[0].address}\n"
    (folder / ".ssh/config").write_text(front + config)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(folder / "agent"))
    with subprocess.Popen(
        ["ssh-agent", "-D", "-a", folder / "agent"], stdout=subprocess.DEVNULL
    ) as agent:
        until((folder / "agent").exists)
        subprocess.run(["ssh-add", "-q", CLIENT_KEY], check=True, capture_output=True)
        yield folder
        agent.terminate()
    shutil.rmtree(folder)


def behind(home, name: str, words: str) -> None:
    config = home / ".ssh/config"
    config.write_text(f"Host {name}\n  {words}\n{config.read_text()}")


@pytest.fixture
def third(lab_hosts, as_host):
    """The third host, of which the inventory says no key and no known_hosts."""
    return as_host(lab_hosts[2], private_key=None, known_hosts=None, user=None)


def test_an_agent_starts_behind_two_jump_hosts_with_a_key_that_only_the_agent_has(
    home, lab_hosts, third
):
    behind(home, third.address, f"ProxyJump front,{lab_hosts[1].address}")
    contact = reach(third, lambda *_: None)
    assert contact.facts["user"] == "0"
    with contact.link.exec(("sh", "-c", "echo $SSH_CONNECTION")).stdout as said:
        assert said.read().decode().split()[0] == lab_hosts[1].address
    contact.close()


def test_ssh_itself_may_be_the_proxy_command(home, lab_hosts, third):
    behind(home, third.address, f"ProxyCommand ssh -qF {home}/.ssh/config -W %h:%p front")
    with connect(third) as link:
        process = link.exec(("sh", "-c", "echo $SSH_CONNECTION"))
        assert process.stdout.read().decode().split()[0] == lab_hosts[0].address


def test_what_does_not_answer_is_told_apart(home, lab_hosts, third, last, as_host):
    behind(home, third.address, "ProxyJump front")
    elsewhere = as_host(last, private_key=None, known_hosts=None, user=None, port=2)
    with pytest.raises(UnreachableError, match=r"front lets us in, .* is not reached") as caught:
        connect(elsewhere)
    assert caught.value.action == f"ssh -W {third.address}:2 front"
    with breaking.silent(last), pytest.raises(UnreachableError) as caught:
        connect(third, deadline_s=2)
    assert "front lets us in" in caught.value.cause
    assert "does not answer" in caught.value.cause
    with breaking.silent(lab_hosts[0]), pytest.raises(UnreachableError) as caught:
        connect(third, deadline_s=1)
    assert caught.value.step == "connecting to the jump host front"
    connect(third).close()


def test_an_unknown_key_of_a_jump_host_is_refused(home, lab_hosts, third, tmp_path):
    known = tmp_path / "known"
    lines = KNOWN_HOSTS.read_text().splitlines(keepends=True)
    known.write_text("".join(each for each in lines if lab_hosts[0].address not in each))
    behind(home, third.address, "ProxyJump front")
    behind(home, "front", f"UserKnownHostsFile {known}")
    with pytest.raises(HostKeyError, match="the jump host front, is unknown"):
        connect(third)


def test_a_key_that_nobody_accepts_names_the_jump_host(home, third, tmp_path):
    behind(home, third.address, "ProxyJump front")
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    behind(home, "front", f"IdentityFile {tmp_path}/other\n  IdentitiesOnly yes")
    with pytest.raises(UnreachableError, match=f"for user ops: tried {tmp_path}/other") as caught:
        connect(third)
    assert caught.value.step == "connecting to the jump host front"
