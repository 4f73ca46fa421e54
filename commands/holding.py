"""Hold hosts between applied and commit while others are worked on: speak, or they put back."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from harness import fanout
from harness.contact import Contact, reach_within_s

#: An agent puts back what was applied when the laptop is silent for five minutes
#: (QUIET_S in harness/agent/main.py); it is spoken to well before that. In seconds.
SPEAK_EVERY_S = 60.0


def ask(contact: Contact) -> None:
    """Have the agent say anything by the host's deadline; raises QuantumError."""
    contact.session.observe(paths={}, deadline_s=reach_within_s(contact.host))


@contextlib.contextmanager
def held(contacts: Sequence[Contact], *, every_s: float = SPEAK_EVERY_S) -> Iterator[None]:
    """Speak to the hosts now and then, until the block ends. Nothing else may ask them meanwhile.

    One that does not answer is not told of here: whoever holds them asks before going on.
    """
    done = threading.Event()

    def speak() -> None:
        while not done.wait(every_s):
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
