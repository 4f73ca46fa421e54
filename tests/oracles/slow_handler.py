"""A consumer whose handler takes until the test lets it go on; it tells when it began, and ends."""

import os
import sys
from dataclasses import dataclass

from consumers.loop import settings
from consumers.loop.handling import Each, Write
from consumers.loop.reading import Place
from consumers.loop.running import Consumer, main
from tests.waiting import until

STREAM, GROUP, STATUS = "test:slow", "slow", "test:slow:status"
#: List of "<consumer> <entry>", one for each run; key that lets handlers end; entry -> effects.
BEGUN, GO, EFFECTS = "test:slow:begun", "test:slow:go", "test:slow:effects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(settings.Settings):
    """Nothing beside what every consumer has."""


def handle(message, context):
    context.client.rpush(BEGUN, f"{context.place.consumer} {message.id}")
    until(lambda: context.client.exists(GO), within_s=300)
    return [Write("HINCRBY", EFFECTS, (message.id, 1))]


SLOW = Consumer(
    "slow_handler",
    Settings,
    lambda wanted: Place.at(STREAM, GROUP, wanted.consumer_name, STATUS),
    lambda context: Each(context, handle),
)

if __name__ == "__main__":
    sys.exit(main(SLOW, sys.argv[1:], os.environ))
