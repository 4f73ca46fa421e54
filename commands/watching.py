"""Look at what the consumers make of their streams: how far each is, and what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proofs.reading import after, count_after, plain, position, position_commands, together
from proofs.scene import Scene
from streams import intents, keys, routing

WINDOW = "5m"
TOP = 8
PAPER_ORDERS = "quantum:paper:order:"


def waiting(scene: Scene, cap: int = 1_000_000) -> int | None:
    """Return how many entries are neither settled nor given up; None where there is no group."""
    answers = together(scene.redis, *position_commands(scene.stream, scene.group))
    group = position(answers, scene.group)["group"]
    if group is None:
        return None
    undelivered = count_after(scene.redis, scene.stream, group["last_delivered_id"], cap)
    return int(group["pending"]) + undelivered


def under_way(scene: Scene) -> int:
    """Return how many entries were delivered and are not acknowledged yet."""
    found = plain(scene.redis.xpending(scene.stream, scene.group))
    return int(found["pending"])


def drained(scene: Scene, within_s: float) -> bool:
    """Wait until nothing waits in the stream; tell whether that came within the deadline."""
    return bool(scene.until(lambda: waiting(scene) == 0 or None, within_s))


def decisions(redis: Any, window: str = WINDOW) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Return the window's decisions with their counts, and its top reasons, most frequent first."""
    counts = plain(redis.hgetall(f"quantum:p35:decision:counts:{window}"))
    top = plain(redis.zrevrange(f"quantum:p35:reason:top:{window}", 0, TOP - 1, withscores=True))
    by_count = sorted(counts.items(), key=lambda item: (-int(item[1]), item[0]))
    return {name: int(count) for name, count in by_count}, [(n, int(c)) for n, c in top]


@dataclass(frozen=True, slots=True)
class Pipe:
    """The names of the streams from a decision to what is counted of it."""

    decisions: str
    intents: str
    results: str
    applied: str

    @classmethod
    def of(cls, scene: Scene) -> Pipe:
        """Return the names as the scene's host has them."""
        named = scene.host.text
        return cls(
            named("stream_decision_made", routing.STREAM_DECISION_MADE),
            named("stream_trade_intent", intents.STREAM_TRADE_INTENT),
            named("stream_execution_result", intents.STREAM_EXECUTION_RESULT),
            named("stream_apply_result", keys.STREAM_APPLY_RESULT),
        )

    @property
    def streams(self) -> tuple[str, ...]:
        """Return the streams, and the dead letters of the first two."""
        letters = map(keys.dead_letters, (self.decisions, self.intents))
        return (self.decisions, self.intents, self.results, self.applied, *letters)


Marks = Mapping[str, str]


def marks(redis: Any, pipe: Pipe) -> Marks:
    """Return how far each stream goes now, so that what comes later can be told apart."""
    found = together(redis, *(("xinfo_stream", each) for each in pipe.streams))
    last = ((each or {}).get("last-generated-id", "0-0") for each in found)
    return dict(zip(pipe.streams, last, strict=True))


def stages(redis: Any, pipe: Pipe, since: Marks) -> list[tuple[str, int, str]]:
    """Return what came of the decisions since then: stage, how many, and what to say of them."""

    def come(stream: str) -> Iterator[tuple[str, dict[str, str]]]:
        return after(redis, stream, since[stream])

    decided = sum(1 for _ in come(pipe.decisions))
    letters = sum(1 for _ in come(keys.dead_letters(pipe.decisions)))
    ids = {intents.client_order_id(fields["trace_id"]) for _, fields in come(pipe.intents)}
    states = Counter(fields["state"] for _, fields in come(pipe.results))
    applied = sum(
        fields.get("event_type") == "execution.result" for _, fields in come(pipe.applied)
    )
    # this Redis may hold orders of an earlier day
    placed = plain(list(redis.scan_iter(match=f"{PAPER_ORDERS}qe-*", count=1000)))
    orders = sum(1 for key in placed if key.removeprefix(PAPER_ORDERS) in ids)
    told = ", ".join(f"{count:,} {state}" for state, count in states.most_common())
    repeated = decided - letters - len(ids)
    return [
        ("decisions", decided, f"{repeated:,} duplicates skipped, {letters:,} dead letters"),
        ("intents", len(ids), "one for each identity"),
        ("orders", orders, "placed on the paper exchange" if orders else "none was placed"),
        ("results", sum(states.values()), told),
        ("counted", applied, "the same outcomes as apply.result, for decision intelligence"),
    ]


def life(redis: Any, pipe: Pipe, since: Marks, identity: str) -> list[tuple[str, str]]:
    """Return what became of one identity: a line for each stage that it went through."""
    lines = [
        ("decided", f"{entry}  as trace {identity}")
        for entry, fields in after(redis, pipe.decisions, since[pipe.decisions])
        if identity in fields.values() or f'"{identity}"' in "".join(fields.values())
    ]
    lines += [
        ("intent", entry)
        for entry, fields in after(redis, pipe.intents, since[pipe.intents])
        if fields.get("trace_id") == identity
    ]
    order_id = intents.client_order_id(identity)
    order = plain(redis.hgetall(f"{PAPER_ORDERS}{order_id}"))
    if order:
        what = f"{order['side']} {order['quantity']} {order['symbol']} at {order['price']}"
        lines.append(("order", f"{order_id}  {what}: {order['status']}"))
    lines += [
        ("result", f"{entry}  {fields['state']}")
        for entry, fields in after(redis, pipe.results, since[pipe.results])
        if fields.get("identity") == identity
    ]
    lines += [
        ("counted", f"{entry}  {fields['symbol']} executed {fields['executed']}")
        for entry, fields in after(redis, pipe.applied, since[pipe.applied])
        if fields.get("plan_id") == identity
    ]
    return lines


def filled_twice_decided(redis: Any, pipe: Pipe, since: Marks) -> str:
    """Return an identity that was decided more than once and filled; "" where there is none."""
    seen: Counter[str] = Counter()
    for _, fields in after(redis, pipe.decisions, since[pipe.decisions]):
        seen[fields.get("trace_id", "")] += 1
    for _, fields in after(redis, pipe.results, since[pipe.results]):
        if fields["state"] == intents.FILLED and seen[fields["identity"]] > 1:
            return fields["identity"]
    return ""
