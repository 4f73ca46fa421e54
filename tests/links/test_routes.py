"""What ssh_config says is what is done: aliases, jumps, files, and what is refused in it."""

from __future__ import annotations

import getpass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigurationError
from harness.links import way
from harness.links.route import _parsed, route
from tests.links.homes import host


def last(name: str, **changes):
    return route(host(name, **changes))[-1]


def names(name: str, **changes) -> list[str]:
    return [hop.name for hop in route(host(name, **changes))]


def test_an_alias_is_all_that_ssh_config_says_of_it(home):
    home.config(
        "Host web\n  HostName 192.0.2.7\n  Port 2222\n  User deploy\n  IdentitiesOnly yes\n"
        "  IdentityFile ~/.ssh/work\n  IdentityFile %d/.ssh/more\n  IdentityAgent ~/agent\n"
        "  UserKnownHostsFile ~/.ssh/work_hosts\n  HostKeyAlias the-web\n"
    )
    hop = last("web", user=None)
    assert (hop.place, hop.user) == (("192.0.2.7", 2222), "deploy")
    assert hop.identities == (home.ssh / "work", home.ssh / "more")
    assert hop.identities_only
    assert hop.agent == str(home.path / "agent")
    assert hop.where.files[0] == home.ssh / "work_hosts"
    assert (hop.where.entry, hop.where.address) == ("the-web", "[192.0.2.7]:2222")


def test_without_a_word_in_it_a_host_is_what_the_inventory_says(home):
    hop = last("web", user=None, address="192.0.2.7")
    assert (hop.name, hop.place, hop.user) == ("192.0.2.7", ("192.0.2.7", 22), getpass.getuser())
    assert hop.identities[0] == home.ssh / "id_ed25519"
    assert not hop.identities_only
    assert (hop.agent, hop.command, hop.jump) == ("", "", False)


def test_the_inventory_wins_also_in_what_a_proxy_command_is_told(home):
    home.config(
        "Host web\n  User root\n  Port 1\n  HostName w.example\n  ProxyCommand p %r@%h:%p %n"
    )
    hop = last("web", port=2222)
    assert (hop.user, hop.place) == ("ada", ("w.example", 2222))
    assert hop.command == "p ada@w.example:2222 web"


def test_the_first_value_holds_and_the_persons_file_is_before_the_machines(home):
    (home.path / "etc").mkdir()
    (home.path / "etc/ssh_config").write_text("Host *\n  Port 3333\n  User nobody\n")
    home.config("Host w*\n  Port 2222\nHost *\n  Port 4444\n")
    assert (last("web", user=None).place[1], last("web", user=None).user) == (2222, "nobody")
    assert last("db").place[1] == 4444


@pytest.mark.parametrize(
    ("said", "way"),
    [
        ("ProxyJump gw", ["gw", "web"]),
        ("ProxyJump eve@gw:22,ssh://[::1]:2222", ["gw", "::1", "web"]),
        ("ProxyJump none", ["web"]),
        ("ProxyJump web", ["web"]),
        ("ProxyCommand none\n  ProxyJump gw", ["web"]),
        ("ProxyJump none\n  ProxyCommand p", ["web"]),
    ],
)
def test_the_jump_hosts_in_their_order(home, said, way):
    home.config(f"Host web\n  {said}\n")
    assert names("web") == way
    assert route(host("web"))[-1].command == ""


def test_what_is_written_at_a_jump_host_wins_over_its_own_words(home):
    home.config("Host web\n  ProxyJump eve@gw:2222\nHost gw\n  User root\n  Port 1\n")
    gw, _ = route(host("web"))
    assert (gw.user, gw.place, gw.by_hand) == ("eve", ("gw", 2222), "ssh -p 2222 eve@gw")


def test_a_jump_host_for_all_is_not_behind_itself(home):
    home.config("Host gw\n  HostName 192.0.2.1\nHost *\n  ProxyJump gw\n")
    assert names("web") == ["gw", "web"]
    assert names("gw") == ["gw"]
    home.config("Host *\n  ProxyJump one,two\n")
    assert names("web") == ["one", "two", "web"]


def test_a_circle_is_refused(home):
    home.config("Host a\n  ProxyJump b\nHost b\n  ProxyJump c\nHost c\n  ProxyJump a\n")
    with pytest.raises(ConfigurationError, match="circle: a -> b -> c -> a") as caught:
        route(host("a"))
    assert caught.value.host == "a"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Port many", "many"),
        ("ProxyJump @:22", "names no host"),
        ("ProxyJump gw,", "names no host"),
        ("nonsense", "Unparsable line"),
        ("Include inner", "included inside `Host web`"),
        ("UserKnownHostsFile '~/a", "No closing quotation"),
    ],
)
def test_what_cannot_be_understood_is_a_configuration_error(home, said, cause):
    (home.ssh / "inner").write_text("Host x\n  Port 1\n")
    home.config(f"Host web\n  {said}\n")
    with pytest.raises(ConfigurationError, match=cause) as caught:
        route(host("web"))
    assert (caught.value.host, caught.value.exit_code) == ("web", 3)


def test_included_files_stand_where_they_are_included(home):
    (home.ssh / "conf.d").mkdir()
    (home.ssh / "conf.d/1").write_text("Host web\n  Port 1111\n")
    (home.ssh / "conf.d/2").write_text("Host web db\n  Port 2222\n  Include deep\n")
    (home.ssh / "deep").write_text("User eve\n")
    home.config("Include conf.d/* nowhere\nHost *\n  Port 3333\n")
    assert last("web", user=None).place[1] == 1111
    assert (last("db", user=None).place[1], last("db", user=None).user) == (2222, "eve")
    assert (last("x", user=None).place[1], last("x", user=None).user) == (3333, getpass.getuser())


def test_a_file_that_includes_itself_is_refused(home):
    home.config("Include config\n")
    with pytest.raises(ConfigurationError, match="too deeply"):
        route(host("web"))


@pytest.mark.parametrize("off", ["none", "/dev/null"])
def test_ssh_config_cannot_switch_the_checking_of_host_keys_off(home, off):
    home.config(f"Host *\n  UserKnownHostsFile {off}\n  StrictHostKeyChecking no\n")
    assert last("web").where.files[0] == home.ssh / "known_hosts"


def test_the_inventorys_known_hosts_is_the_only_one_on_every_hop(home):
    home.config("Host web\n  ProxyJump gw\nHost *\n  UserKnownHostsFile ~/other\n")
    for hop in route(host("web", known_hosts=home.path / "ours")):
        assert hop.where.files == (home.path / "ours",)


def test_the_agent_may_be_switched_off_or_named_by_a_variable(home, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/one")
    monkeypatch.setenv("OTHER", "/run/two")
    home.config("Host a\n  IdentityAgent none\nHost b\n  IdentityAgent $OTHER\n")
    assert [last(name).agent for name in "abc"] == ["", "/run/two", "/run/one"]


WORDS = st.text("abc09.-", min_size=1, max_size=8)


@given(WORDS, st.none() | WORDS, st.none() | st.integers(1, 65535), st.booleans())
def test_every_word_of_a_proxy_jump_is_read_as_it_was_written(name, user, port, uri):
    word = (
        f"{'ssh://' if uri else ''}{f'{user}@' if user else ''}{name}{f':{port}' if port else ''}"
    )
    assert _parsed(word) == (name, user, port)


def test_connections_that_are_opened_at_once_share_nothing_that_fabric_changes():
    one, other = way._settings(), way._settings()
    one.connect_kwargs.look_for_keys = False
    assert "look_for_keys" not in other.connect_kwargs
