"""docs/checkers.md tells of every checker and of every kind of line."""

import importlib
from pathlib import Path

import pytest

from fault_injection.checkers import REGISTRY
from fault_injection.history.happenings import EVIDENCE, KINDS

TEXT = (Path(__file__).parents[2] / "docs" / "checkers.md").read_text("utf-8")


@pytest.mark.parametrize("name", [*REGISTRY, *KINDS, *EVIDENCE])
def test_it_is_documented(name):
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("name", REGISTRY)
def test_a_checker_opens_with_what_holds_and_says_what_it_needs(name):
    checker = importlib.import_module(REGISTRY[name])
    assert checker.__name__.endswith(f".{name}")
    assert "." in checker.__doc__
    assert {type(checker.NEEDS_END), type(checker.NEEDS_WATCH)} == {bool}
