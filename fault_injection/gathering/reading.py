"""Read streams page by page, and a group's place with all that must be of the same moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proofs.folding import decoded
from proofs.reading import PAGE, POSITION, plain, position, position_commands, together
from streams.ids import ZERO, id_key, id_ms

#: More than any group has pending: what is not listed cannot be told apart.
PENDING_AT_MOST = 10_000_000
#: So many keys are asked for in one round trip.
CHUNK = 2_000
NS_PER_MS = 1_000_000
#: Stands for what a key of a wrong type holds.
SPOILED = "spoiled"

Fields = dict[str, str]
Command = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """What one MULTI read."""

    place: Mapping[str, Any]  #: as proofs.reading.position says it
    pending: tuple[str, ...]
    outputs: Mapping[str, str]  #: stream -> its last id
    others: list[Any] = field(default_factory=list)

    @property
    def last_delivered_id(self) -> str:
        """Return where the group stands; before all entries where there is none."""
        group = self.place["group"]
        return ZERO if group is None else str(group["last_delivered_id"])


def moment(
    client: Any, stream: str, group: str, outputs: Sequence[str], commands: Iterable[Command] = ()
) -> Moment:
    """Read a group's place and what is pending, how far other streams go, and more, at once."""
    answers = together(
        client,
        *position_commands(stream, group),
        ("xpending_range", stream, group, "-", "+", PENDING_AT_MOST),
        *(("xinfo_stream", each) for each in outputs),
        *commands,
    )
    pending, *rest = answers[POSITION:]
    last = {
        each: (said or {}).get("last-generated-id", ZERO)
        for each, said in zip(outputs, rest, strict=False)
    }
    ids = tuple(each["message_id"] for each in pending or ())
    return Moment(position(answers[:POSITION], group), ids, last, rest[len(last) :])


def entries(client: Any, stream: str, after: str, upto: str) -> Iterator[tuple[str, Fields]]:
    """Yield entries past one id and up to another, with their fields as the consumers read them."""
    while id_key(after) < id_key(upto):
        page = client.xrange(stream, min=f"({after}", max=upto, count=PAGE)
        for entry, fields in page:
            yield plain(entry), decoded(fields or {})
        if len(page) < PAGE:
            return
        after = plain(page[-1][0])


def some(client: Any, stream: str, ids: Sequence[str]) -> Iterator[tuple[str, Fields]]:
    """Yield those of these entries that are there."""
    for part in parts(ids):
        pipeline = client.pipeline(transaction=False)
        for entry in part:
            pipeline.xrange(stream, min=entry, max=entry)
        for found in pipeline.execute():
            yield from ((plain(entry), decoded(fields or {})) for entry, fields in found)


def parts(names: Iterable[str]) -> Iterator[list[str]]:
    """Yield so many at a time as one round trip asks about."""
    every = list(names)
    for at in range(0, len(every), CHUNK):
        yield every[at : at + CHUNK]


def asked(client: Any, commands: Iterable[Command]) -> list[Any]:
    """Return the answers to many commands in one round trip; SPOILED for a key of a wrong type."""
    pipeline = client.pipeline(transaction=False)
    for words in commands:
        getattr(pipeline, words[0])(*words[1:])
    answers = pipeline.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception) and not str(answer).startswith("WRONGTYPE"):
            raise answer
    return [SPOILED if isinstance(each, Exception) else plain(each) for each in answers]


def is_id(text: str) -> bool:
    """Tell whether a text is an entry's id."""
    milliseconds, _, sequence = text.partition("-")
    return milliseconds.isdecimal() and sequence.isdecimal()


def upto(entry: str, last: str) -> bool:
    """Tell whether a text is the id of an entry that is not after another."""
    return is_id(entry) and id_key(entry) <= id_key(last)


def wall_ns(entry: str) -> int:
    """Return when an entry was added, by Redis's clock."""
    return id_ms(entry) * NS_PER_MS


def digest(said: object) -> str:
    """Return a short name for what is said."""
    told = json.dumps(said, sort_keys=True, default=str)
    return hashlib.blake2s(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
