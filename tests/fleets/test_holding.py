"""Held hosts are spoken to while others are worked on, and left alone afterwards."""

import threading

import pytest

from commands import holding
from harness.agent.main import QUIET_S
from harness.errors import UnreachableError

WITHIN_S = 30


def test_they_are_spoken_to_well_before_they_would_put_back():
    assert holding.SPEAK_EVERY_S * 3 < QUIET_S


@pytest.mark.parametrize("answers", [True, False])
def test_they_are_spoken_to_again_and_again_whether_or_not_one_answers(monkeypatch, answers):
    asked, thrice = [], threading.Event()

    def ask(contact):
        asked.append(contact)
        if len(asked) >= 3:
            thrice.set()
        if not answers:
            raise UnreachableError("gone", host=contact)

    monkeypatch.setattr(holding, "ask", ask)
    with holding.held(["h"], every_s=0.001):
        assert thrice.wait(WITHIN_S)
    assert not [each for each in threading.enumerate() if each.name == "holding"]


def test_with_nobody_held_nobody_is_spoken_to(monkeypatch):
    monkeypatch.setattr(holding, "ask", lambda _: pytest.fail("nobody is held"))
    with holding.held([], every_s=0.0):
        assert not [each for each in threading.enumerate() if each.name == "holding"]
