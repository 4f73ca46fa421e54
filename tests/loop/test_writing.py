"""JSON is written whatever the texts and numbers in it are, and a log line always comes out."""

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.loop import logs
from consumers.loop.writing import as_json

TEXTS = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


def readable(value):
    """Return what is left of a value in UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [readable(each) for each in value]
    if isinstance(value, dict):
        return {readable(name): readable(each) for name, each in value.items()}
    return value


@given(VALUES)
def test_what_is_written_is_read_again(value):
    assert json.loads(as_json(value)) == readable(value)


def test_half_a_surrogate_pair_and_a_huge_number_are_written_too():
    assert (
        as_json({"said": "\ud800!", "n": 2**70}) == b'{"said": "?!", "n": 1180591620717411303424}'
    )


def test_what_json_has_no_word_for_is_refused_unless_it_is_told_how():
    with pytest.raises(TypeError):
        as_json({"at": object()})
    assert as_json({"at": {1}}, default=sorted) == b'{"at":[1]}'


def test_a_log_line_is_one_object_with_level_and_time(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", out)
    log = logs.start("INFO", service="execution", consumer="one")
    log.info("an event", reason="half \ud800", of=object)
    log.debug("too fine")
    (line,) = out.buffer.getvalue().decode().splitlines()
    said = json.loads(line)
    assert said.pop("timestamp")[10] == "T"
    assert "object" in said.pop("of")
    assert said == {
        "event": "an event", "level": "info", "service": "execution", "consumer": "one",
        "reason": "half ?",
    }  # fmt: skip
