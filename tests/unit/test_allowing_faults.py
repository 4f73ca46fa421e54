"""invoke faults.allow and faults.forbid: whom they refuse before any host hears of it."""

import contextlib
import io
import json
import sys

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import allowing
from commands.fault_targets import targets
from fault_injection.faults.fault import REDIS
from harness import contact
from harness.inventory import load

INVENTORY = """
all:
  vars: {{mode: {mode}, redis_host: 192.0.2.1, redis_password: 'command:echo horse', \
records: {folder}/records}}
  children:
    store: {{vars: {{roles: [redis_server]}}, hosts: {{store: {{ansible_host: 192.0.2.1}}}}}}
    works: {{vars: {{roles: [execution]}}, hosts: {{works: {{ansible_host: 192.0.2.2}}}}}}
"""


class Session:
    """What a host is asked."""

    def __init__(self, name, asked):
        self.name, self.asked = name, asked

    def fault_allow(self, **words):
        self.asked[self.name] = words
        return {"until": "2026-11-21T22:00:00Z", "password": bool(words["password"])}

    def fault_forbid(self, **words):
        self.asked[self.name] = words
        return {"allowed": True, "healed": ["f-1"]}


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self):
        return True


@pytest.fixture
def asked(monkeypatch):
    """What the hosts were asked, by name; nobody is reached."""
    asked = {}

    @contextlib.contextmanager
    def reached(hosts, *_):
        contacts = [
            contact.Contact(host, None, Session(host.name, asked), {}, {}, [], [], None)
            for host in hosts
        ]
        yield contact.Reached(contacts, {})

    @contextlib.contextmanager
    def all_reached(hosts, *_):
        with reached(hosts) as found:
            yield found.contacts

    monkeypatch.setattr(contact, "reach_some", reached)
    monkeypatch.setattr(contact, "reach_all", all_reached)
    return asked


@pytest.fixture
def path(tmp_path):
    """A function: an inventory's file."""

    def write(mode="testnet"):
        made = tmp_path / "trial.yml"
        made.write_text(INVENTORY.format(mode=mode, folder=tmp_path))
        return str(made)

    return write


def test_each_host_is_allowed_and_redis_alone_gets_its_password(asked, path, capsys):
    allowing.allow(Context(), inventory=path(), minutes=30, yes=True, json=True)
    assert (asked["store"]["within_s"], asked["store"]["mode"]) == (1800.0, "testnet")
    assert asked["store"]["inventory"] == asked["works"]["inventory"] == "trial"
    assert asked["store"]["password"].reveal_text() == "horse"
    assert asked["works"]["password"] is None
    said = json.loads(capsys.readouterr().out)
    assert said["hosts"]["store"] == {"until": "2026-11-21T22:00:00Z", "password": True}
    allowing.forbid(Context(), inventory=path(), json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["hosts"]["works"] == {"allowed": True, "healed": ["f-1"]}


def test_what_a_fault_logs_in_with_is_where_it_is_laid_down(path):
    found = list(targets(load(path()).hosts))
    assert {each.service for each in found if each.password_file} == {REDIS}


def test_both_leave_a_record_in_which_the_password_is_not(asked, path, tmp_path, capsys):
    allowing.allow(Context(), inventory=path(), yes=True)
    allowing.forbid(Context(), inventory=path())
    capsys.readouterr()
    lines = (tmp_path / "records/ledger.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["operation", "operation"]
    texts = [p.read_text() for p in (tmp_path / "records").rglob("*") if p.is_file()]
    assert not any("horse" in text for text in texts)


@pytest.mark.parametrize("words", [{"mode": "live"}, {"minutes": 0}, {"minutes": 1441}])
def test_mode_live_and_more_than_a_day_are_refused_before_a_word(asked, path, capsys, words):
    words = dict(words)
    inventory = path(words.pop("mode", "testnet"))
    with pytest.raises(Exit) as caught:
        allowing.allow(Context(), inventory=inventory, yes=True, **words)
    assert caught.value.code == 3
    assert asked == {}
    assert "next:" in capsys.readouterr().err


@pytest.mark.parametrize("typed", ["", "yes", "TRIAL", "trial 2"])
def test_only_the_inventorys_name_confirms(asked, path, monkeypatch, capsys, typed):
    monkeypatch.setattr(sys, "stdin", Terminal(f"{typed}\n"))
    with pytest.raises(Exit) as caught:
        allowing.allow(Context(), inventory=path())
    assert caught.value.code == 3
    assert asked == {}
    said = capsys.readouterr()
    assert "store  192.0.2.1  mode testnet" in said.out
    assert "nothing may be broken" in said.err


def test_its_name_does_and_no_terminal_is_a_no(asked, path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("trial\n"))
    with pytest.raises(Exit):
        allowing.allow(Context(), inventory=path())
    assert asked == {}
    monkeypatch.setattr(sys, "stdin", Terminal("trial\n"))
    allowing.allow(Context(), inventory=path())
    assert set(asked) == {"store", "works"}
    assert "Type 'trial' to go on" in capsys.readouterr().err
