"""A host that was installed anew under the same name is told from the one in the ledger."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest

from commands import recognising
from harness.host import Host
from harness.ledger.ledger import Ledger
from harness.ledger.records import Record


class Said(list):
    def say(self, text, _style=""):
        self.append(text)


def contact(name: str, mark: str, *, transactions=()):
    return SimpleNamespace(
        host=Host(name, "x", "sandbox", ()), facts={"machine_id_sha256": mark},
        transactions=transactions,
    )  # fmt: skip


@pytest.fixture
def chosen(tmp_path):
    return SimpleNamespace(inventory=SimpleNamespace(records=tmp_path / "records"))


def recorded(chosen, **marks: str) -> str:
    facts = {name: {"machine_id_sha256": mark} for name, mark in marks.items()}
    record = Record(
        kind="deploy", inventory="x", mode="sandbox", operator="ada", hosts=tuple(marks),
        outcome="committed", subjects=(), predicate={"facts": facts}, claims=[], evidence={},
    )  # fmt: skip
    return Ledger(chosen.inventory.records).append(record).id


def test_the_same_machine_and_an_unknown_one_are_no_news(chosen):
    assert recognising.reinstalled(chosen, [contact("a", "1" * 64)]) == {}
    recorded(chosen, a="1" * 64)
    assert recognising.reinstalled(chosen, [contact("a", "1" * 64), contact("b", "2" * 64)]) == {}


def test_another_machine_of_that_name_is_named_with_the_last_record_of_the_old_one(chosen):
    recorded(chosen, a="1" * 64, b="2" * 64)
    last = recorded(chosen, a="1" * 64)
    now = [contact("a", "f" * 64), contact("b", "2" * 64)]
    assert recognising.document(chosen, now) == {"a": last}
    said = Said()
    recognising.tell(chosen, now, said)
    assert len(said) == 1
    assert f"a  was re-installed, or is another machine, since record {last}" in said[0]
    assert "nothing is deployed on it" in said[0]


def test_once_it_has_a_record_of_its_own_it_is_known(chosen):
    recorded(chosen, a="1" * 64)
    recorded(chosen, a="f" * 64)
    assert recognising.document(chosen, [contact("a", "f" * 64)]) == {}
    old = recognising.document(chosen, [contact("a", "1" * 64, transactions=[{}])])
    assert set(old) == {"a"}


def test_a_host_without_a_machine_id_is_taken_for_none_and_for_no_other(chosen):
    recorded(chosen, a=recognising.NOBODY, b="2" * 64)
    now = [contact("a", "1" * 64), contact("b", recognising.NOBODY)]
    assert recognising.document(chosen, now) == {}


def test_a_ledger_that_cannot_be_read_is_said_and_stops_nothing(chosen):
    entry = recorded(chosen, a="1" * 64)
    (chosen.inventory.records / entry / "statement.json").write_text("{")
    said = Said()
    recognising.tell(chosen, [contact("a", "2" * 64)], said)
    assert "invoke ledger.verify" in said[0]
    assert recognising.document(chosen, [contact("a", "2" * 64)]) == {}


def test_a_sandbox_that_was_made_anew_is_no_news(chosen):
    recorded(chosen, a="1" * 64)
    anew = contact("a", "2" * 64)
    anew.host = dataclasses.replace(anew.host, sandbox=Path("root"))
    assert recognising.document(chosen, [anew]) == {}
