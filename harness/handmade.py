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
_DIGEST = re.compile(
    r"^(QUANTUM_ENV_DIGEST|Environment=QUANTUM_UNIT_DIGEST)=[0-9a-f]{64}\n", re.MULTILINE
)
_ATTRIBUTES = ("kind", "mode", "owner", "group")
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
    return {
        one.path: one
        for release in named_in(seen, releases)
        for one in rendered(release).paths
        if one.kind == "file" and manifest.get(one.path, {}).get("sha256") == one.sha256
    }


def named_in(seen: Mapping[str, Mapping[str, Any]], releases: Iterable[str] = ()) -> list[str]:
    """Return the releases given, those that texts of the host name, and none."""
    texts = (state.get("text", "") for state in seen.values())
    return list(
        dict.fromkeys((*releases, *(r for text in texts for r in _RELEASE.findall(text)), ""))
    )


def without_digests(text: str) -> str:
    """Return a text without the line that every deploy computes anew, which no hand keeps right."""
    return _DIGEST.sub("", text)


def at_home(
    drifted: Sequence[Drift],
    seen: Mapping[str, Mapping[str, Any]],
    now: Mapping[str, DesiredPath],
    rendered: Rendered,
    releases: Iterable[str],
) -> tuple[Drift, ...]:
    """Return the drift with that marked which is in what is wanted by now, as after a capture.

    The hand's text need not be what the next deploy places: that has another digest line, and
    perhaps another release.
    """
    texts = {each.path: seen.get(each.path, {}).get("text") for each in drifted}
    if not any(texts.values()):
        return tuple(drifted)
    homes = {
        (one.path, without_digests(one.content.decode(errors="replace")))
        for release in named_in(seen, releases)
        for one in rendered(release).paths
        if one.path in texts
    }
    found = []
    for each in drifted:
        state, text = seen.get(each.path, {}), texts[each.path]
        home = text is not None and (each.path, without_digests(text)) in homes
        want = now.get(each.path)
        if home and want and all(state.get(key) == getattr(want, key) for key in _ATTRIBUTES):
            lines = (*each.lines, "the change is in what is wanted now")
            each = replace(each, wanted_too=True, lines=lines)  # noqa: PLW2901
        found.append(each)
    return tuple(found)


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


def contents(
    drifted: Iterable[Drift], seen: Mapping[str, Mapping[str, Any]], host: Host
) -> tuple[Drift, ...]:
    """Return the drift that no deploy placed with what is in it; all of that is a hand's."""
    return tuple(
        replace(each, diff=masked((f"+{line}" for line in text.splitlines()[:MOST_LINES]), host))
        if (text := str(seen.get(each.path, {}).get("text", "")))
        else each
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
