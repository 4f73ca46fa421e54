"""A sandbox that is deployed, and that may be broken."""

import pytest

from tests.e2e.conftest import person  # noqa: F401  the same person

ALLOWED_MINUTES = "120"


@pytest.fixture
def breakable(person):  # noqa: F811
    person.types("deploy", "--yes")
    person.types("faults.allow", "--yes", "--minutes", ALLOWED_MINUTES)
    return person
