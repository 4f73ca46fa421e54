"""ProxyJump over one hop and two: what gets through, and how each hop says no."""

from __future__ import annotations

import paramiko
import pytest

from commands.hosts import trust_one
from harness.errors import HostKeyError, UnreachableError
from harness.links import ssh
from harness.links.trying_again import HungUpError, RefusedError
from tests.links.homes import PATIENT_S, host, says


def refused(name: str, kind: type[Exception] = UnreachableError, deadline_s: float = PATIENT_S):
    with pytest.raises(kind) as caught:
        ssh.connect(host(name), deadline_s=deadline_s).close()
    assert caught.value.host == name
    return caught.value


@pytest.fixture
def two(home):
    """web, reached through gw."""
    gw, web = home.starts("gw", "web")
    home.jumps("web", "eve@gw")
    return gw, web


def test_a_program_runs_behind_one_jump_host(two):
    gw, web = two
    assert says("web") == "a b"
    assert gw.passed_on == [("127.0.0.1", web.port)]
    assert (gw.users[-1], web.users[-1]) == ("eve", "ada")


def test_a_program_runs_behind_two_jump_hosts_in_their_order(home):
    one, two, web = home.starts("one", "two", "web")
    home.jumps("web", "one,two")
    assert says("web") == "a b"
    assert one.passed_on == [("127.0.0.1", two.port)]
    assert two.passed_on == [("127.0.0.1", web.port)]


def test_a_jump_host_may_be_behind_another_by_its_own_words(home):
    one, two, web = home.starts("one", "two", "web")
    home.jumps("web", "two")
    home.jumps("two", "one")
    assert says("web") == "a b"
    assert one.passed_on == [("127.0.0.1", two.port)]
    assert two.passed_on == [("127.0.0.1", web.port)]


def test_a_hop_that_hangs_up_on_many_is_tried_again(two):
    gw, web = two
    gw.hangs_up = web.hangs_up = 2
    assert says("web") == "a b"
    assert (gw.met, web.met) == (5, 3)


# --- host keys -------------------------------------------------------------------------------


def test_an_unknown_key_of_the_jump_host_is_refused_and_nothing_behind_it_is_met(home):
    gw, web = home.starts("gw", "web", trusted=False)
    home.trusts(web)
    home.jumps("web", "gw")
    error = refused("web", HostKeyError)
    assert f"[127.0.0.1]:{gw.port}, the jump host gw, is unknown" in error.cause
    assert error.action == "invoke hosts.trust -i fleet --limit web"
    assert (gw.offered, web.met) == ([], 0)


def test_a_changed_key_of_the_jump_host_is_refused_and_no_key_is_shown_to_it(two):
    gw, web = two
    gw.host_key = paramiko.ECDSAKey.generate()
    error = refused("web", HostKeyError)
    assert "the jump host gw, has CHANGED" in error.cause
    assert f"ssh-keygen -R '[127.0.0.1]:{gw.port}'" in error.action
    assert (gw.offered, web.met) == ([], 0)


def test_an_unknown_key_behind_a_trusted_jump_host_is_refused_too(home):
    gw, web = home.starts("gw", "web", trusted=False)
    home.trusts(gw)
    home.jumps("web", "gw")
    error = refused("web", HostKeyError)
    assert f"[127.0.0.1]:{web.port} is unknown" in error.cause
    assert web.offered == []


def test_trusting_goes_from_hop_to_hop_and_then_the_way_is_open(home, capsys):
    home.starts("gw", "web", trusted=False)
    home.jumps("web", "gw")
    assert trust_one(host("web"), yes=True).startswith("trusted: ecdsa")
    shown = capsys.readouterr().out
    assert "web  its jump host gw, [127.0.0.1]:" in shown
    assert "web  its jump host gw trusted: ecdsa" in shown
    assert says("web") == "a b"
    assert trust_one(host("web"), yes=False).startswith("is trusted already")


# --- who does not let in, and who does not answer --------------------------------------------


def test_a_key_that_the_jump_host_does_not_take_is_told_with_its_name(two, home):
    gw, web = two
    gw.accepted = []
    error = refused("web")
    assert error.step == "connecting to the jump host gw"
    assert "no key of yours was accepted for user eve" in error.cause
    assert str(home.ssh / "id_ecdsa") in error.cause
    assert error.action == "ssh eve@gw"
    assert (gw.met, web.met) == (1, 0)


def test_a_key_that_the_host_behind_does_not_take_is_told_with_its_own(two):
    gw, web = two
    web.accepted = []
    error = refused("web")
    assert error.step == "connecting through gw"
    assert "no key of yours was accepted for user ada" in error.cause
    assert error.action == "ssh ada@web"
    assert gw.users[-1] == "eve"


def test_a_jump_host_that_is_down_is_told_as_such(two):
    gw, web = two
    gw.close()
    error = refused("web")
    assert (error.step, error.action) == ("connecting to the jump host gw", "ssh eve@gw")
    assert "refused" in error.cause
    assert web.met == 0


def test_a_host_that_is_down_behind_a_jump_host_that_is_up_is_told_as_such(two):
    gw, web = two
    web.close()
    error = refused("web")
    assert error.step == "connecting through gw"
    assert error.cause.startswith("gw lets us in, web behind it (127.0.0.1:")
    assert error.cause.endswith("is not reached: Connect failed")
    assert error.action == f"ssh -W 127.0.0.1:{web.port} eve@gw"
    assert gw.met == RefusedError.tries


def test_a_jump_host_that_lets_nobody_on_is_told_as_such_and_asked_once(two):
    gw, web = two
    gw.passes_on = "no"
    error = refused("web")
    assert "gw lets us in and does not let us on" in error.cause
    assert "AllowTcpForwarding" in error.action
    assert (gw.met, web.met) == (1, 0)


def test_a_jump_host_that_swallows_everything_ends_by_the_deadline(home, blackhole):
    home.starts("web")
    home.says(f"Host gw\n  HostName 127.0.0.1\n  Port {blackhole}\n")
    home.jumps("web", "gw")
    error = refused("web", deadline_s=1)
    assert error.step == "connecting to the jump host gw"
    assert error.cause == "not connected after 1 s"
    assert error.action == "ssh gw"


@pytest.mark.parametrize("where", ["the channel", "the host"])
def test_a_host_that_swallows_everything_behind_a_jump_host_ends_by_the_deadline(
    two, home, blackhole, where
):
    gw, web = two
    if where == "the channel":
        gw.passes_on = "never"
    else:
        home.config((home.ssh / "config").read_text().replace(str(web.port), str(blackhole)))
    error = refused("web", deadline_s=2)
    assert error.step == "connecting through gw"
    assert error.cause == "not connected after 2 s: gw lets us in, web behind it does not answer"
    assert error.action.startswith("ssh -W 127.0.0.1:")


def test_one_that_always_hangs_up_behind_a_jump_host_is_told_after_the_last_try(two):
    _gw, web = two
    web.hangs_up = 10**6
    assert refused("web").step == "connecting through gw"
    assert web.met == HungUpError.tries
