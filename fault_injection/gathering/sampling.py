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
        pipeline.xinfo_stream(place.stream)
        pipeline.hget(status[place.flow], keys.group_moved(place.stream, place.group))
    answers = iter(pipeline.execute(raise_on_error=False))
    for place, found, stream, moved in zip(places, answers, answers, answers, strict=True):
        yield from _of(client, place, plain(found), plain(stream), moved)


def _of(client: Any, place: Place, found: Any, stream: Any, moved: Any) -> Iterator[Happening]:
    for each in (found, stream, moved):
        missing = isinstance(each, ResponseError) and "no such key" in str(each)
        if isinstance(each, Exception) and not missing:
            raise each
    known = [] if isinstance(found, Exception) or isinstance(stream, Exception) else found
    group = next((each for each in known if each["name"] == place.group), None)
    if group is None:
        yield Position(flow=place.flow, last_delivered_id="")
    else:
        stands = group["last-delivered-id"]
        yield Position(flow=place.flow, last_delivered_id=stands)
        lag = group.get("lag")
        if not groups.below(stands, stream["last-generated-id"]):
            lag = 0  # whatever Redis reckons: 7.0 forgets what was read when it loads its AOF
        elif lag is None:
            counted = groups.lag(client, place.stream, place.group, up_to=COUNT_UP_TO)
            lag = counted.entries if counted else 0
        yield Sample(flow=place.flow, lag=int(lag), pending=int(group["pending"]))
    if isinstance(moved, (str, bytes)) and moved:
        yield Told(flow=place.flow, what=GROUP_MOVED, said=plain(moved))
