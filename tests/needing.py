"""What a machine has not: skipped at home, a failure in CI."""

import os
from typing import NoReturn

import pytest


def not_tested(why: str) -> NoReturn:
    """Skip the test that asks, loudly; where CI is set nothing may be skipped, so it fails."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"NOT TESTED: {why}")
    raise AssertionError("both end the test")
