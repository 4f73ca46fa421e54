"""Show what somebody changed by hand: the host's text against what the last deploy left there.

Pure. The host keeps the digests of what was deployed, not the texts; a text is rendered again and
is believed only where its digest is the one that the host kept.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.desired import RELEASES, Desired, DesiredPath
from harness.differences import MOST_LINES
from harness.host import Host
from harness.masking import Secret
from harness.planning import Drift

#: Renders what a host should be, as of the release with this digest.
Rendered = Callable[[str], Desired]
#: Shorter secrets would mask half of every text, in characters.
SHORTEST_MASKED = 4
_RELEASE = re.compile(rf"{RELEASES}/([0-9a-f]{{64}})")


def as_deployed(
    rendered: Rendered,
    releases: Iterable[str],
    manifest: Mapping[str, Mapping[str, Any]],
    seen: Mapping[str, Mapping[str, Any]],
) -> dict[str, DesiredPath]:
    """Return the managed files whose deployed text is known, to the byte.

    A unit names its release, which the next deploy may well replace: the releases tried are those
    given and those that the host's own texts name.
    """
    named = [found for state in seen.values() for found in _RELEASE.findall(state.get("text", ""))]
    return {
        one.path: one
        for release in dict.fromkeys((*releases, *named, ""))
        for one in rendered(release).paths
        if one.kind == "file" and manifest.get(one.path, {}).get("sha256") == one.sha256
    }


def shown(
    drifted: Sequence[Drift],
    seen: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, DesiredPath],
    now: Mapping[str, DesiredPath],
    host: Host,
) -> tuple[Drift, ...]:
    """Return the drift with diffs; `now` is what the next deploy would place."""
    return tuple(
        replace(each, diff=masked(_diff(each, seen.get(each.path, {}), known, now), host))
        for each in drifted
    )


def masked(lines: Iterable[str], host: Host) -> tuple[str, ...]:
    """Return the lines without any secret of the host: a hand may have typed one anywhere."""
    values = [v.reveal() for v in host.values.values() if isinstance(v, Secret)]
    texts = [v.decode(errors="replace") for v in values if len(v) >= SHORTEST_MASKED]
    found = []
    for line in lines:
        for text in texts:
            line = line.replace(text, "***")  # noqa: PLW2901
        found.append(line)
    return tuple(found)


def _diff(
    drift: Drift,
    state: Mapping[str, Any],
    known: Mapping[str, DesiredPath],
    now: Mapping[str, DesiredPath],
) -> Iterable[str]:
    if state.get("kind") != "file" or not any(line.startswith("sha256") for line in drift.lines):
        return
    base = known.get(drift.path) or now.get(drift.path)
    if base is None or base.kind != "file":
        yield "no role asks for it any more, so its text stays on the host"
    elif base.secret:
        yield "secret content *** -> ***"
    elif "text" not in state:
        yield f"binary or too large to show: {state.get('size', '?')} bytes"
    else:
        if drift.path not in known:
            yield "what was deployed is not known here any more; against what a deploy would place:"
        yield from _unified(drift.path, base, str(state["text"]))


def _unified(path: str, base: DesiredPath, text: str) -> Iterable[str]:
    try:
        old = base.content.decode().splitlines()
    except UnicodeDecodeError:
        yield f"was binary, {len(base.content)} bytes; is text now"
        return
    names = (f"deployed{path}", f"by-hand{path}")
    lines = list(difflib.unified_diff(old, text.splitlines(), *names, lineterm=""))
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"... {len(lines) - MOST_LINES} more lines"
