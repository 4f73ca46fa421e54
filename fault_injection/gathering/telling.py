"""What consumers told by themselves, by the lines of their logs: entries that were trimmed away.

Redis keeps only how many they were; which ones stands in the log alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from fault_injection.gathering.place import Place
from fault_injection.history.happenings import LOST, Told

EVENT = "LOST"


def told(places: Sequence[Place], lines: Iterable[str]) -> Iterator[Told]:
    """Yield what lines of JSON tell of these flows; other lines are none of our concern."""
    flows = {place.stream: place.flow for place in places}
    for line in lines:
        if EVENT not in line:
            continue
        try:
            said = json.loads(line)
            event, stream, ids = said["event"], said["stream"], said["ids"]
        except (ValueError, KeyError, TypeError):
            continue
        if str(event).startswith(EVENT) and stream in flows:
            yield from (
                Told(flow=flows[stream], what=LOST, entry=str(entry), said=str(event))
                for entry in ids
            )
