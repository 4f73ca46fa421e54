"""The confirm comes over a connection of its own, and the exit code says what the host says."""

import subprocess
import sys

import pytest

from commands import confirming
from harness.errors import InDoubtError, UnreachableError
from harness.session import Session
from tests.agent.test_switch import change


@pytest.fixture
def reached(monkeypatch):
    """The names of the hosts that were reached anew, in order."""
    names, reach = [], confirming.reach

    def counting(host, on_event):
        names.append(host.name)
        return reach(host, on_event)

    monkeypatch.setattr(confirming, "reach", counting)
    return names


def go_off(fleet, name):
    """Have a host's switch go off now, and wait for its end."""
    (path,) = (fleet.worlds[name].root / "var/lib/quantum-ops/tx").glob("*/switch.json")
    change(path, until_s=0.0)
    folder = str(path.parent)
    words = [sys.executable, "-I", "-S", f"{folder}/agent.pyz", "expire", folder]
    subprocess.run(words, timeout=60, check=True)


def test_each_host_is_confirmed_over_one_new_connection_and_nothing_to_change_costs_none(
    fleet, reached
):
    fleet.grow(2)
    assert fleet.deploys().state == "committed"
    assert sorted(reached) == ["h01", "h02"]
    assert fleet.deploys().state == "unchanged"
    assert len(reached) == 2


def test_a_host_whose_time_was_over_is_told_as_rolled_back_with_exit_1(fleet, reached):
    fleet.grow(1)
    fleet.at_the_gate = lambda _: go_off(fleet, "h01")
    outcome = fleet.deploys()
    assert (outcome.state, outcome.exit_code) == ("rolled_back", 1)
    assert fleet.pasts("h01") == ["rolled_back"]
    assert fleet.changed() == []
    assert any("its time to be confirmed was over" in each for each in outcome.reasons)
    assert fleet.last_record()["outcome"] == "rolled_back"


def test_a_killed_agent_is_no_reason_not_to_confirm_what_has_passed_its_gate(fleet, reached):
    fleet.grow(1)
    fleet.at_the_gate = lambda _: fleet.kill_agent("h01")
    outcome = fleet.deploys()
    assert (outcome.state, outcome.exit_code) == ("committed", 0)
    assert fleet.pasts("h01") == ["committed"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_lost_reply_is_settled_by_asking_once_more(fleet, reached, monkeypatch, moment):
    fleet.grow(1)
    confirm, lost = Session.confirm, []

    def losing(session, *words):
        if not lost:
            lost.append(confirm(session, *words) if moment == "after" else None)
            raise InDoubtError("no answer")
        return confirm(session, *words)

    monkeypatch.setattr(Session, "confirm", losing)
    outcome = fleet.deploys()
    assert (outcome.state, outcome.exit_code) == ("committed", 0)
    assert fleet.pasts("h01") == ["committed"]
    assert reached == ["h01", "h01"]


def test_what_the_host_says_holds_when_it_went_back_while_the_reply_was_lost(
    fleet, reached, monkeypatch
):
    fleet.grow(1)
    confirm, lost = Session.confirm, []

    def losing(session, *words):
        if not lost:
            lost.append(go_off(fleet, "h01"))
            raise InDoubtError("no answer")
        return confirm(session, *words)

    monkeypatch.setattr(Session, "confirm", losing)
    outcome = fleet.deploys()
    assert (outcome.state, outcome.exit_code) == ("rolled_back", 1)
    assert fleet.pasts("h01") == ["rolled_back"]


def test_what_cannot_be_known_is_unknown_with_exit_2_and_the_attempts_are_bounded(
    fleet, monkeypatch
):
    fleet.grow(1)
    attempts = []

    def nobody(host, _):
        attempts.append(host.name)
        raise UnreachableError("no route", host=host.name)

    monkeypatch.setattr(confirming, "reach", nobody)
    outcome = fleet.deploys()
    assert (outcome.state, outcome.exit_code) == ("in_doubt", 2)
    assert len(attempts) == confirming.CONNECTIONS == 2
    assert any("was lost before it said how this ended" in each for each in outcome.reasons)
    assert fleet.pasts("h01") == ["rolled_back"], "the laptop left without a confirm"
