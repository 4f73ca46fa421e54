"""One deadline for reaching a host: login, the agent's start and its first answer together."""

from __future__ import annotations

import pytest

from harness.contact import reach, reach_some
from harness.errors import PrivilegeError, UnreachableError
from harness.links import ssh
from tests.links.homes import PATIENT_S, host


@pytest.mark.parametrize("starts", ["never", "silently"])
def test_an_agent_that_does_not_start_is_given_up_by_the_hosts_deadline(home, monkeypatch, starts):
    # what one more channel may take otherwise does not add to it
    monkeypatch.setattr(ssh, "CHANNEL_WITHIN_S", 10**6)
    (web,) = home.starts("web")
    web.starts = starts
    with pytest.raises(UnreachableError) as caught:
        reach(host("web", values={"reach_within_s": 1}), print)
    assert caught.value.cause == "it lets us in, and the agent has not answered after 1 s"
    assert "reach_within_s" in caught.value.action
    assert (caught.value.host, caught.value.step) == ("web", "starting the agent")


def test_a_sudo_that_asks_for_a_password_is_told_and_the_others_are_reached(home, monkeypatch):
    """The program in the place of sudo says what sudo -n says."""
    program = home.path / "sudo"
    program.write_text("#!/bin/sh\n[ $1 = -n ] && echo sudo: a password is required >&2; exit 1\n")
    program.chmod(0o755)
    home.starts("web", "db", "down")
    home.servers["down"].close()
    monkeypatch.setenv("PATH", f"{home.path}:/usr/local/bin:/usr/bin:/bin")
    given = {"values": {"reach_within_s": PATIENT_S}}
    hosts = [host("web", become=True, **given), host("down", **given), host("db", **given)]
    with reach_some(hosts, lambda *_: None) as reached:
        assert [each.host.name for each in reached.contacts] == ["db"]
        assert set(reached.failures) == {"web", "down"}
    told = reached.failures["web"]
    assert isinstance(told, PrivilegeError)
    assert str(told).startswith("web, sudo -n: sudo was refused: a password is required\n  next: ")
    assert "NOPASSWD" in told.action
    assert "refused" in reached.failures["down"].cause
