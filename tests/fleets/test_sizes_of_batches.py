"""What --serial means: pure arithmetic, and words that are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import terms
from harness.batching import ALL_AT_ONCE, Serial, Share, parse
from harness.errors import ConfigurationError

SHARES = st.one_of(
    st.builds(Share, st.integers(1, 10_000)),
    st.builds(Share, st.integers(1, 100), st.just(True)),
)
SERIALS = st.lists(SHARES, min_size=1, max_size=6).map(lambda shares: Serial(tuple(shares)))


def spelt(serial: Serial) -> str:
    return ",".join(f"{each.number}{'%' * each.percent}" for each in serial.shares)


@given(SERIALS, st.integers(0, 2_000))
def test_every_host_is_in_one_batch_and_no_batch_is_empty(serial, total):
    sizes = serial.sizes(total)
    assert sum(sizes) == total
    assert all(size >= 1 for size in sizes)


@given(SERIALS, st.integers(1, 2_000))
def test_no_batch_is_larger_than_was_said_and_only_the_last_is_smaller(serial, total):
    sizes = serial.sizes(total)
    said = [serial.size(number, total) for number in range(len(sizes))]
    assert sizes[:-1] == said[:-1]
    assert sizes[-1] <= said[-1]


@given(SERIALS, st.integers(0, 50), st.integers(1, 2_000))
def test_the_last_word_repeats(serial, further, total):
    last = len(serial.shares) - 1
    assert serial.size(last + further, total) == serial.shares[-1].of(total)


@given(st.integers(1, 100), st.integers(1, 2_000))
def test_a_percentage_is_of_all_hosts_and_rounds_up_to_at_least_one(percent, total):
    of = Share(percent, percent=True).of(total)
    assert 1 <= of <= total
    assert (of - 1) * 100 < percent * total <= of * 100


@given(SERIALS)
def test_what_is_spelt_is_what_is_read(serial):
    assert parse(spelt(serial)) == serial
    assert parse(f" {spelt(serial).replace(',', ' , ')} ") == serial


@given(st.integers(1, 2_000))
def test_without_a_word_all_hosts_are_one_batch(total):
    assert parse("") is ALL_AT_ONCE
    assert ALL_AT_ONCE.sizes(total) == [total]


def test_the_example_of_the_help():
    assert parse("1,3,50%").sizes(50) == [1, 3, 25, 21]
    assert parse("1,3,50%").sizes(2) == [1, 1]


@pytest.mark.parametrize("words", ["0", "0%", "101%", "-1", "1,,2", ",", "half", "1.5", "5 %", "٣"])
def test_a_bad_word_is_a_configuration_error_that_shows_an_example(words):
    with pytest.raises(ConfigurationError, match="no size of a batch") as caught:
        parse(words)
    assert caught.value.exit_code == 3
    assert "--serial 1,3,50%" in str(caught.value)


@pytest.mark.parametrize("words", ["-1", "few", "", "1.5"])
def test_max_fail_is_a_number_of_hosts(words):
    with pytest.raises(ConfigurationError, match="no number of hosts") as caught:
        terms.typed("", words, commit_per_batch=False)
    assert caught.value.exit_code == 3


def test_what_is_typed_becomes_terms():
    typed = terms.typed("1,50%", "2", commit_per_batch=True)
    assert typed == terms.Terms(parse("1,50%"), 2, commit_per_batch=True)
