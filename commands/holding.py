"""Hold hosts between applied and commit while others are worked on: speak, or they put back."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from harness import fanout
from harness.contact import Contact, reach_within_s
from harness.switches import confirm_within_s

#: An agent puts back what was applied when the laptop is silent for five minutes
#: (QUIET_S in harness/agent/main.py), and the host when its switch goes off; it is spoken to well
#: before that. In seconds.
SPEAK_EVERY_S = 60.0


def ask(contact: Contact) -> None:
    """Have the agent say anything by the host's deadline; raises QuantumError.

    What it has applied is then held for its full time again.
    """
    contact.session.hold(deadline_s=reach_within_s(contact.host))


def often_s(contacts: Sequence[Contact]) -> float:
    """Return how often to speak to these hosts, in seconds: thrice in the time that they hold."""
    return min([SPEAK_EVERY_S, *(confirm_within_s(each.host) / 3 for each in contacts)])


@contextlib.contextmanager
def held(contacts: Sequence[Contact], *, every_s: float | None = None) -> Iterator[None]:
    """Speak to the hosts now and then, until the block ends. Nothing else may ask them meanwhile.

    One that does not answer is not told of here: whoever holds them asks before going on.
    """
    done = threading.Event()
    pause_s = often_s(contacts) if every_s is None else every_s

    def speak() -> None:
        while not done.wait(pause_s):
            fanout.each(contacts, ask)

    speaker = threading.Thread(target=speak, name="holding", daemon=True)
    if contacts:
        speaker.start()
    try:
        yield
    finally:
        done.set()
        if contacts:
            speaker.join()
