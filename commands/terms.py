"""How a deploy goes over its hosts, as it was typed, and what a person is asked about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.batching import ALL_AT_ONCE, Serial, parse
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from harness.deploying import Prepared


@dataclass(frozen=True, slots=True)
class Terms:
    """How a deploy goes over its hosts; what stands here is all at once, all or nothing."""

    serial: Serial = ALL_AT_ONCE
    max_fail: int = 0
    commit_per_batch: bool = False


def typed(serial: str, max_fail: str, *, commit_per_batch: bool) -> Terms:
    """Return the terms that were typed. Raises ConfigurationError."""
    if not max_fail.isdecimal():
        raise ConfigurationError(
            f"{max_fail!r} is no number of hosts", step="--max-fail",
            action="invoke deploy --max-fail 2",
        )  # fmt: skip
    return Terms(parse(serial), int(max_fail), commit_per_batch)


def question(changing: Sequence[Prepared], terms: Terms) -> str:
    """Return what a person is asked before the first change."""
    sizes = terms.serial.sizes(len(changing))
    told = f", {' + '.join(map(str, sizes))} at a time" if len(sizes) > 1 else ""
    going = {each.name: len(each.plan.removed) for each in changing if each.plan.removed}
    told += "".join(f"; REMOVE {count} paths from {name}" for name, count in going.items())
    return f"apply to {', '.join(each.name for each in changing)}{told}?"
