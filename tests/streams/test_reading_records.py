"""The records of intents are read page by page, and it is told where there are more."""

import pytest

from commands import records_of_intents
from streams import intents


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(records_of_intents, "PAGE", 2)
    monkeypatch.setattr(records_of_intents, "KEYS_MOST", 5)


def keep(client, *states):
    for number, state in enumerate(states):
        client.hset(intents.record(f"i-{number}"), mapping={"state": state, "symbol": "BTCUSDT"})


def test_all_are_read_and_those_of_one_state(client):
    keep(client, "FILLED", "UNKNOWN", "REJECTED", "UNKNOWN")
    client.set(intents.record("no-hash"), "words")
    everything = records_of_intents.read(client)
    assert everything.whole
    assert {each["identity"] for each in everything.found} == {"i-0", "i-1", "i-2", "i-3"}
    unknown = records_of_intents.read(client, "UNKNOWN")
    assert unknown.whole
    assert {each["identity"] for each in unknown.found} == {"i-1", "i-3"}


@pytest.mark.parametrize(("many", "whole"), [(5, True), (6, False)])
def test_where_there_are_more_it_is_told(client, many, whole):
    keep(client, *["FILLED"] * many)
    records = records_of_intents.read(client, "UNKNOWN")
    assert (records.found, records.whole) == ([], whole)
