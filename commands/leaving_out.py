"""Hosts that cannot take part in a deploy: up to --max-fail of them are told of and left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from commands.showing import Display
from harness.contact import Contact, raise_together
from harness.deploying import Prepared
from harness.errors import ConfigurationError, QuantumError
from harness.fanout import Answer

Item = TypeVar("Item", Contact, Prepared)


class LeftOut:
    """Who is left out and why. Nothing of the deploy has changed a host that is."""

    def __init__(self, most: int, display: Display) -> None:
        self._most = most
        self._display = display
        self.why: dict[str, QuantumError] = {}

    def passed(self, answers: Sequence[Answer[Item, Any]]) -> list[Item]:
        """Return the items that went well; the hosts of the others are left out (see `add`)."""
        self.add({_name(each.item): each.error for each in answers if each.error})
        return [each.item for each in answers if each.error is None]

    def add(self, failures: Mapping[str, QuantumError]) -> None:
        """Leave these hosts out, or raise one error of all when they are more than may fail.

        What is wrong in the inventory or a template is no host's failure and always raised.
        """
        raise_together([each for each in failures.values() if isinstance(each, ConfigurationError)])
        if len(self.why) + len(failures) > self._most:
            raise self._too_many(failures)
        self.why |= failures
        for name, error in failures.items():
            self._display.say(f"{name}  left out: {error}", "yellow")
            self._display.mark([name], "end", "left out")

    def _too_many(self, failures: Mapping[str, QuantumError]) -> QuantumError:
        try:
            raise_together([*self.why.values(), *failures.values()])
        except QuantumError as error:
            if self._most:
                error.cause = (
                    f"more hosts failed than --max-fail {self._most} allows; {error.cause}"
                )
            return error
        raise AssertionError("it is asked only when some host failed")


def _name(item: Contact | Prepared) -> str:
    return item.host.name if isinstance(item, Contact) else item.name
