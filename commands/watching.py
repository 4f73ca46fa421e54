"""Look at what decision intelligence makes of its stream: how far it is, and what it decided."""

from __future__ import annotations

from typing import Any

from proofs.reading import count_after, plain, position, position_commands, together
from proofs.scene import Scene

WINDOW = "5m"
TOP = 8


def waiting(scene: Scene, cap: int = 1_000_000) -> int | None:
    """Return how many entries are neither settled nor given up; None where there is no group."""
    answers = together(scene.redis, *position_commands(scene.stream, scene.group))
    group = position(answers, scene.group)["group"]
    if group is None:
        return None
    undelivered = count_after(scene.redis, scene.stream, group["last_delivered_id"], cap)
    return int(group["pending"]) + undelivered


def drained(scene: Scene, within_s: float) -> bool:
    """Wait until nothing waits in the stream; tell whether that came within the deadline."""
    return bool(scene.until(lambda: waiting(scene) == 0 or None, within_s))


def decisions(redis: Any, window: str = WINDOW) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Return the window's decisions with their counts, and its top reasons, most frequent first."""
    counts = plain(redis.hgetall(f"quantum:p35:decision:counts:{window}"))
    top = plain(redis.zrevrange(f"quantum:p35:reason:top:{window}", 0, TOP - 1, withscores=True))
    by_count = sorted(counts.items(), key=lambda item: (-int(item[1]), item[0]))
    return {name: int(count) for name, count in by_count}, [(n, int(c)) for n, c in top]
