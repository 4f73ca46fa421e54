"""What a laptop does on a stream while a fault lasts; nothing of it stays behind to be undone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fault_injection.act import Act
from fault_injection.gathering.place import Place
from fault_injection.runs.feeding import BATCH, Feeder, Producer
from fault_injection.runs.talking import Line
from fault_injection.workloads import decision_made
from proofs.reading import plain
from streams import keys

Word = Mapping[str, Any]
#: So many dead letters are read back for a look at them.
LETTERS_READ = 2_000
#: A consumer that is to die with entries in its hands reads for so long, in seconds: it has to
#: share with the living. One read waits this long for more, in ms.
READ_FOR_S, BLOCK_MS = 5.0, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What an act on a stream has to do with."""

    place: Place
    feeder: Feeder
    producer: Producer
    line: Line
    name: str  #: of this injection, in no other run


class _Adding:
    """Entries that are added, and that is all."""

    def __init__(self, word: Word, around: Around) -> None:
        self.word, self.feeder, self.producer = word, around.feeder, around.producer
        self.line, self.name = around.line, around.name
        self.ids: list[str] = []

    def observed(self) -> str:
        """Count them."""
        return f"{len(self.ids)} entries stand in {self.producer.place.stream}" if self.ids else ""

    def undo(self) -> None:
        """Leave them to the consumers."""

    def gone(self) -> str:
        """Say so."""
        return "nothing more is added"


class Repeat(_Adding):
    """A share of the latest events comes again."""

    def inject(self) -> str:
        """Add them."""
        latest, percent, times = self.feeder.latest(), self.word["percent"], self.word["times"]
        again = latest[: max(1, len(latest) * percent // 100)]
        for _ in range(times):
            self.ids += self.producer.add(again)
        return f"{len(again)} events came {times} times more"


class Burst(_Adding):
    """Many events at once."""

    def inject(self) -> str:
        """Add them."""
        for first in range(0, self.word["count"], BATCH):
            many = min(BATCH, self.word["count"] - first)
            self.ids += self.producer.add(self.feeder.more(many))
        return f"{len(self.ids)} events came at once"


class Poison(_Adding):
    """Entries that nobody can read, until they are among the dead letters."""

    def inject(self) -> str:
        """Add them."""
        count, hows, now_ms = self.word["count"], self.word["hows"], int(time.time() * 1000)
        self.ids = self.producer.add(
            list(decision_made.broken(count, count, now_ms, hows, self.name))
        )
        return f"{len(self.ids)} entries are broken: {', '.join(hows)}"

    def observed(self) -> str:
        """Look for all of them among the dead letters."""
        stream = keys.dead_letters(self.producer.place.stream)
        read = plain(self.line.ask(lambda redis: redis.xrevrange(stream, count=LETTERS_READ)))
        reasons = {fields.get("original_id"): fields.get("reason", "") for _, fields in read}
        found = [str(reasons.get(each) or "") for each in self.ids]
        if not found or not all(found):
            return ""
        return f"{len(found)} dead letters, each with its reason"


class Disorder(_Adding):
    """Events are held back."""

    released = 0

    def inject(self) -> str:
        """Begin."""
        self.released = self.feeder.released
        self.feeder.hold(self.word["percent"], self.word["back_ms"])
        return f"{self.word['percent']} % of the events are held back"

    def observed(self) -> str:
        """Look whether any came late."""
        late = self.feeder.released - self.released
        return f"{late} events came late" if late > 0 else ""

    def undo(self) -> None:
        """End it; the feeder produces what it still holds."""
        self.feeder.hold(0, 0)

    def gone(self) -> str:
        """Say so: from here on everything comes as it is made."""
        return "no event is held back"


class _InTheGroup:
    """Somebody in the group who is none; that the living mend it is what is tried."""

    def __init__(self, word: Word, around: Around) -> None:
        self.word, self.line = word, around.line
        self.stream, self.group = around.place.stream, around.place.group

    def undo(self) -> None:
        """Leave it to the living consumers."""


class DieWithPending(_InTheGroup):
    """A consumer reads and is never heard of again."""

    taken = 0

    def inject(self) -> str:
        """Read in its name until it has what it was to have, or its time is over."""
        until_s = time.monotonic() + READ_FOR_S
        while self.taken < self.word["count"] and time.monotonic() < until_s:
            self.taken += self.line.ask(self._read)
        return f"{self.word['consumer']} died with {self.taken} entries in its hands"

    def _read(self, redis: Any) -> int:
        left = self.word["count"] - self.taken
        said = redis.xreadgroup(
            self.group, self.word["consumer"], {self.stream: ">"}, left, block=BLOCK_MS
        )
        return sum(len(entries) for _, entries in plain(said) or ())

    def observed(self) -> str:
        """Tell what Redis gave it: from then on it was pending in that name."""
        return f"{self.taken} entries were pending in its name" if self.taken else ""

    def gone(self) -> str:
        """Look whether all were taken over."""
        left = self.line.ask(
            lambda redis: redis.xpending_range(
                self.stream, self.group, "-", "+", 1, consumername=self.word["consumer"]
            )
        )
        return "" if left else "nothing is pending in its name any more"


class MakeGhosts(_InTheGroup):
    """Hundreds of names that nobody is."""

    def inject(self) -> str:
        """Create them."""

        def create(redis: Any) -> None:
            pipeline = redis.pipeline(transaction=False)
            for number in range(self.word["count"]):
                pipeline.xgroup_createconsumer(self.stream, self.group, f"ghost-{number}")
            pipeline.execute()

        self.line.ask(create)
        return f"{self.word['count']} consumers that nobody is"

    def observed(self) -> str:
        """Count them."""
        return f"{there} of them stand in the group" if (there := self._there()) else ""

    def gone(self) -> str:
        """Look whether the living took all of them out."""
        return "" if self._there() else "none of them is left in the group"

    def _there(self) -> int:
        found = plain(self.line.ask(lambda redis: redis.xinfo_consumers(self.stream, self.group)))
        return sum(each["name"].startswith("ghost-") for each in found)


#: An act's `do` -> how it is carried out.
ACTS: Mapping[str, Callable[[Word, Around], Act]] = {
    "repeat": Repeat,
    "burst": Burst,
    "poison": Poison,
    "disorder": Disorder,
    "die_with_pending": DieWithPending,
    "make_ghosts": MakeGhosts,
}
