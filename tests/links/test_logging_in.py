"""Which keys are shown to a server, in which order, and what is said when none opens it."""

from __future__ import annotations

import paramiko
import pytest

from harness.errors import ConfigurationError, UnreachableError
from harness.links import identities, ssh
from tests.links.homes import PATIENT_S, host, says


@pytest.fixture
def web(home):
    (sshd,) = home.starts("web")
    return sshd


def refused(deadline_s: float = PATIENT_S, **changes) -> str:
    with pytest.raises(UnreachableError) as caught:
        ssh.connect(host("web", **changes), deadline_s=deadline_s).close()
    assert caught.value.action.endswith("ada@web")
    return caught.value.cause


def test_a_key_that_only_the_agent_has_opens(home, web, monkeypatch):
    key = paramiko.ECDSAKey.generate()
    agent = home.agent(key)
    web.accepted = [key]
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
    assert says("web") == "a b"
    assert agent.signed == 1


def test_an_agent_that_is_gone_is_told_of_only_when_nothing_else_opens(web, home, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home.path / "gone"))
    assert says("web") == "a b"
    web.accepted = []
    assert "gone gives no keys: no such file or directory" in refused()


def test_an_agent_that_hangs_is_left_and_told_of(web, home, monkeypatch):
    monkeypatch.setattr(identities, "AGENT_WITHIN_S", 0.1)
    agent = home.agent()
    monkeypatch.setattr(agent, "answered", lambda _: bytes(web.over.wait()))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
    assert says("web") == "a b"
    web.accepted = []
    assert f"the ssh agent at {agent.path} gives no keys: timed out" in refused()


def test_an_identity_file_opens_and_keys_of_the_agent_are_tried_before_it(home, web, monkeypatch):
    work, other = home.makes_key("work"), paramiko.ECDSAKey.generate()
    web.accepted = [work]
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home.agent(other).path))
    home.says("IdentityFile ~/.ssh/work\n")
    assert says("web") == "a b"
    assert [each.asbytes() for each in dict.fromkeys(web.offered)] == [
        other.asbytes(), work.asbytes(),
    ]  # fmt: skip


def test_identities_only_shows_no_other_key(home, web, monkeypatch):
    work = home.makes_key("work")
    web.accepted = [work]
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home.agent(paramiko.ECDSAKey.generate()).path))
    home.says("IdentityFile ~/.ssh/work\nIdentitiesOnly yes\n")
    assert says("web") == "a b"
    assert set(web.offered) == {work}


def test_identities_only_lets_the_agent_sign_for_the_key_that_is_named(home, web, monkeypatch):
    work = home.makes_key("work", password="a passphrase")
    agent = home.agent(paramiko.ECDSAKey.generate(), work)
    web.accepted = [work]
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
    home.says("IdentityFile ~/.ssh/work\nIdentitiesOnly yes\n")
    assert says("web") == "a b"
    assert (set(web.offered), agent.signed) == ({work}, 1)


def test_the_inventorys_key_is_the_only_one(home, web, monkeypatch):
    own, agent = home.makes_key("own"), home.agent(home.key)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
    home.says("IdentityFile ~/.ssh/id_ecdsa\n")
    cause = refused(private_key=home.ssh / "own")
    assert cause == f"the key {home.ssh / 'own'} was not accepted for user ada"
    assert set(web.offered) == {own}


def test_what_was_tried_and_what_could_not_be_is_told(home, web):
    web.accepted = []
    home.makes_key("locked", password="a passphrase")
    home.makes_key("work")
    (home.ssh / "broken").write_text("no key\n")
    for name in ("work", "locked", "none", "broken"):
        home.says(f"IdentityFile ~/.ssh/{name}\n")
    cause = refused()
    assert f"no key of yours was accepted for user ada: tried {home.ssh / 'work'};" in cause
    assert (
        f"the key {home.ssh / 'locked'} has a passphrase (ssh-add {home.ssh / 'locked'})" in cause
    )
    assert f"there is no key file {home.ssh / 'none'}" in cause
    assert f"the key {home.ssh / 'broken'} cannot be read" in cause


def test_a_person_without_any_key_is_told_so(home, web):
    (home.ssh / "id_ecdsa").unlink()
    assert refused() == "no key of yours was accepted for user ada: there is none to try"


def test_too_many_keys_of_the_agent_are_told_with_the_way_out(home, web, monkeypatch):
    agent = home.agent(*(paramiko.ECDSAKey.generate() for _ in range(5)))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
    web.most_keys = 3
    cause = refused()
    assert "too many keys: IdentitiesOnly and IdentityFile in ssh_config" in cause
    assert "number 2 of the agent" in cause
    assert "number 4" not in cause


def test_a_server_that_wants_more_than_a_key_is_told_so(home, web, monkeypatch):
    monkeypatch.setattr(
        "tests.links.sshds.Visit.check_auth_publickey",
        lambda *_: paramiko.AUTH_PARTIALLY_SUCCESSFUL,
    )
    assert "wants publickey too" in refused()


def test_a_key_of_the_inventory_that_is_none_is_a_configuration_error_before_anything(web, home):
    with pytest.raises(ConfigurationError, match="no key file"):
        ssh.connect(host("web", private_key=home.ssh / "none"), deadline_s=PATIENT_S)
    assert web.met == 0


def test_a_host_key_alias_is_what_known_hosts_is_asked_for(home):
    (sshd,) = home.starts("web", trusted=False)
    home.says("HostKeyAlias the-web\n")
    (home.ssh / "known_hosts").write_text(sshd.line.replace(f"[127.0.0.1]:{sshd.port}", "the-web"))
    assert says("web") == "a b"
