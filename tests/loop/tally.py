"""A consumer for tests: tallies words; some words make it fail, slow or die.

Words: poison (a dead letter at once), later (fails as long as quantum:test:later exists), bug,
slow:N (N milliseconds, in which a peer might take over), die (SIGKILL).
"""

import os
import signal
import sys
import time
from dataclasses import dataclass

from consumers.loop import running, settings
from consumers.loop.failing import PoisonError, TransientError
from consumers.loop.handling import Each, Write
from consumers.loop.parsing import name
from consumers.loop.reading import Place
from consumers.loop.settings import setting

STREAM, GROUP = "quantum:stream:words", "tally"
STATUS, TALLY, SEEN = "quantum:tally:status", "quantum:tally", "quantum:tally:seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(settings.Settings):
    stream_words: str = setting(STREAM, name)


def place(wanted):
    return Place.at(wanted.stream_words, GROUP, wanted.consumer_name, STATUS)


def handle(message, context):
    word = message.fields.get("word", "")
    # who tried it, apart from its effect: attempts and effects are told apart by tests
    context.client.rpush(f"quantum:test:tried:{message.id}", context.settings.consumer_name)
    if word == "poison":
        raise PoisonError("poison: as the word says")
    if word == "later" and context.client.exists("quantum:test:later"):
        raise TransientError("not yet")
    if word == "bug":
        raise NameError("a handler's mistake")
    if word.startswith("slow:"):
        time.sleep(int(word[5:]) / 1000)
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return [Write("HINCRBY", TALLY, (word, 1)), Write("XADD", SEEN, ("*", "of", message.id))]


CONSUMER = running.Consumer("tally", Settings, place, lambda context: Each(context, handle))

if __name__ == "__main__":
    sys.exit(running.main(CONSUMER, sys.argv[1:], os.environ))
