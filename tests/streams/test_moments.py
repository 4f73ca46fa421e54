"""Moments: whatever a text holds there is an answer, and what is written can be read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.moments import LATEST_MS, iso, said_ms

AT_MS = 1_770_135_150_000


@pytest.mark.parametrize(
    "text",
    [
        *("1770135150", "1770135150.000", "1770135150000", "1770135150000000", "1.77013515e9"),
        *("2026-02-03T16:12:30", "2026-02-03T16:12:30Z", "2026-02-03T16:12:30+00:00"),
        *("2026-02-03T17:12:30+01:00", "20260203T161230", "2026-02-03 16:12:30.000"),
        *("1770135150000-0", "1770135150000-18446744073709551615", " 1770135150000-3 "),
    ],
)
def test_a_moment_is_read_in_each_way_it_is_written(text):
    assert said_ms(text) == AT_MS


@pytest.mark.parametrize(
    "text", ["", " ", "nan", "NaN", "soon", "1_770_135_150", "2026-13-01T00:00:00", "-", "1-2-3"]
)
def test_what_names_no_moment_is_nan(text):
    assert math.isnan(said_ms(text))


def test_a_text_that_is_too_long_is_not_even_read():
    assert math.isnan(said_ms("1" * 201))


def test_infinities_are_near_nothing():
    assert math.isinf(said_ms("inf"))
    assert math.isinf(said_ms("1e400"))


@given(st.text())
def test_every_text_has_an_answer(text):
    assert isinstance(said_ms(text), int | float)


@given(st.integers(min_value=0, max_value=LATEST_MS))
def test_a_moment_that_is_written_is_read_as_the_same(at_ms):
    assert said_ms(iso(at_ms)) == at_ms
    assert iso(at_ms).endswith("+00:00")


@pytest.mark.parametrize(("at_ms", "text"), [(-1, "1970-01-01T"), (10**18, "9999-12-31T")])
def test_what_no_calendar_has_is_held_inside(at_ms, text):
    assert iso(at_ms).startswith(text)
