"""Give an entry up: move it to its stream's dead letters, where a person finds it again.

Nothing is acknowledged unprocessed: the dead letter and the XACK are one script.
"""

from __future__ import annotations

from typing import Any

from consumers.loop.context import Context
from consumers.loop.settings import Settings
from streams import keys, scripting


def give_up(context: Context[Settings], entry_id: str, reason: str) -> bool:
    """Move one of our pending entries to the dead letters; False where it was not ours any more."""
    place = context.place
    answer: list[Any] = scripting.run(
        context.client,
        "give_up",
        [place.stream, keys.dead_letters(place.stream), place.status],
        [place.group, place.consumer, entry_id, reason, context.now_ms()],
    )
    match answer[0]:
        case "MOVED":
            context.metrics.add("dead_lettered_total", reason=family(reason))
            context.log.error(
                "given up: it is a dead letter now",
                id=entry_id, reason=reason, dead_letter=answer[1], stream=place.stream,
            )  # fmt: skip
        case "LOST":
            context.log.error(
                "LOST: trimmed away before it was settled", ids=[entry_id], stream=place.stream
            )
    return bool(answer[0] == "MOVED")


def settle_lost(context: Context[Settings], ids: list[str]) -> None:
    """Acknowledge entries whose content was trimmed away, and say which they were."""
    place = context.place
    lost = scripting.run(context.client, "lost", [place.stream, place.status], [place.group, *ids])
    if lost:
        context.metrics.add("lost_total", len(lost))
        context.log.error(
            "LOST: trimmed away before they were settled", ids=lost, stream=place.stream
        )


def family(reason: str) -> str:
    """Return the part of a reason before its details, since each label's value is kept for ever."""
    return reason.partition(":")[0]
