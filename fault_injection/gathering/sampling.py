"""Where groups stand and how much waits, looked at again and again: one round trip for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from redis.exceptions import ResponseError

from fault_injection.gathering.place import Place
from fault_injection.history.happenings import GROUP_MOVED, Happening, Position, Sample, Told
from proofs.reading import plain
from streams import groups, keys

#: So far is counted by ids where Redis's own lag is nil; then it is at least that much.
COUNT_UP_TO = 10_000


def sampled(client: Any, places: Sequence[Place], status: dict[str, str]) -> Iterator[Happening]:
    """Yield each group's place, and its lag and pending, or that it is gone; status: its hash."""
    pipeline = client.pipeline(transaction=False)
    for place in places:
        pipeline.xinfo_groups(place.stream)
        pipeline.hget(status[place.flow], keys.group_moved(place.stream, place.group))
    answers = iter(pipeline.execute(raise_on_error=False))
    for place, found, moved in zip(places, answers, answers, strict=True):
        yield from _of(client, place, found, moved)


def _of(client: Any, place: Place, found: Any, moved: Any) -> Iterator[Happening]:
    if isinstance(found, Exception):
        if not (isinstance(found, ResponseError) and "no such key" in str(found)):
            raise found
        found = []
    group = next((each for each in plain(found) if each["name"] == place.group), None)
    if group is None:
        yield Position(flow=place.flow, last_delivered_id="")
    else:
        yield Position(flow=place.flow, last_delivered_id=group["last-delivered-id"])
        lag = group.get("lag")
        if lag is None:
            counted = groups.lag(client, place.stream, place.group, up_to=COUNT_UP_TO)
            lag = counted.entries if counted else 0
        yield Sample(flow=place.flow, lag=int(lag), pending=int(group["pending"]))
    if isinstance(moved, (str, bytes)) and moved:
        yield Told(flow=place.flow, what=GROUP_MOVED, said=plain(moved))
