"""What ends a run before its time; that it heals then is seen with a stop file."""

import pytest

from fault_injection.runs.run import MOST_LAG, MOST_SILENCE_S, why_end


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({}, ""),
        ({"lag": MOST_LAG, "silent_s": MOST_SILENCE_S}, ""),
        ({"stopped": True}, "somebody made the stop file"),
        ({"lag": MOST_LAG + 1}, f"a lag of {MOST_LAG + 1} is more than {MOST_LAG}"),
        ({"silent_s": MOST_SILENCE_S + 1}, "nobody could look at Redis for 181 s"),
    ],
)
def test_too_much_lag_silence_or_a_stop_file_ends_it(seen, why):
    assert why_end(**{"stopped": False, "lag": 0, "silent_s": 0.0} | seen) == why
