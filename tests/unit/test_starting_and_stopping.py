"""Starting and stopping consumers: a host that does not answer does not keep the others waiting."""

import contextlib
from types import SimpleNamespace

import pytest

from commands import operating, recording
from commands.choosing import Chosen
from commands.showing import Display
from harness.contact import Reached
from harness.errors import UnreachableError
from harness.host import Host

UNIT = "quantum-execution@1.service"
DOWN = {"down": UnreachableError("no route", host="down", step="connect")}


class Session:
    def __init__(self):
        self.asked = []

    def operate(self, verb, units, **_):
        self.asked.append((verb, units))
        return {
            "before": {UNIT: {"active": "active"}},
            "after": {UNIT: {"active": "inactive"}},
            "cause": "",
        }


@pytest.fixture
def records(monkeypatch):
    written = []

    def write(_chosen, kind, outcome, contacts, **more):
        written.append((kind, outcome, [each.host.name for each in contacts], more["details"]))
        return SimpleNamespace(id="record")

    monkeypatch.setattr(recording, "write", write)
    return written


def stop(monkeypatch, tmp_path, up, failures):
    hosts = tuple(Host(name, "x", "testnet", ("execution",)) for name in (*up, *failures))
    contacts = [SimpleNamespace(host=host, session=up[host.name]) for host in hosts[: len(up)]]

    @contextlib.contextmanager
    def reach_some(*_):
        yield Reached(contacts, failures)

    monkeypatch.setattr(operating, "reach_some", reach_some)
    monkeypatch.setattr(operating, "meta", lambda *_: {"git": {}})
    monkeypatch.setattr(operating, "concerned", lambda *_: {h.name: [UNIT] for h in hosts})
    chosen = Chosen(SimpleNamespace(name="test", mode="testnet", records=tmp_path), hosts)
    return operating.carry_out(chosen, "stop", "", Display(quiet=True))


def test_those_that_answer_are_stopped_and_recorded_and_the_rest_is_an_error(
    monkeypatch, tmp_path, records
):
    session = Session()
    with pytest.raises(UnreachableError, match="no route"):
        stop(monkeypatch, tmp_path, {"up": session}, DOWN)
    assert session.asked == [("stop", [UNIT])]
    ((kind, outcome, hosts, details),) = records
    assert (kind, outcome, hosts) == ("operation", "failed", ["up"])
    assert "no route" in details["errors"][0]


def test_where_none_answers_nothing_is_recorded(monkeypatch, tmp_path, records):
    with pytest.raises(UnreachableError):
        stop(monkeypatch, tmp_path, {}, DOWN)
    assert records == []


def test_where_all_answer_it_is_done(monkeypatch, tmp_path, records):
    document = stop(monkeypatch, tmp_path, {"up": Session()}, {})
    assert (document["exit_code"], records[0][1]) == (0, "done")
