"""Wait for a state, never for a time."""

import time

#: Generous: the machine has two cores and many users.
WITHIN_S = 30.0


def until(look, within_s=WITHIN_S, what="it"):
    """Return the first true answer of `look`; fail when none came within the deadline."""
    end = time.monotonic() + within_s
    while True:
        answer = look()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what} did not come about within {within_s:g} s"
        time.sleep(0.01)
