"""What cannot be tested is told at home, and fails where nothing may be skipped."""

import pytest

from tests.needing import not_tested


def test_at_home_it_is_skipped(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="NOT TESTED: no such thing here"):
        not_tested("no such thing here")


@pytest.mark.parametrize("said", ["true", "1"])
def test_in_ci_it_fails(monkeypatch, said):
    monkeypatch.setenv("CI", said)
    with pytest.raises(pytest.fail.Exception, match="NOT TESTED: no such thing here"):
        not_tested("no such thing here")
