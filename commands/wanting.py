"""What a host should be: its roles' resources, the release built for it, templates filled in."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import releases
from harness.deploying import Wanted
from harness.desired import Render, compose, needs_release
from harness.handmade import Rendered
from harness.host import Host
from harness.rendering import render
from harness.subsets import cut, of_services

PROJECT = Path(__file__).resolve().parent.parent

_building = threading.Lock()
_built: dict[tuple[Any, ...], releases.Release] = {}


def wanted(
    host: Host,
    facts: Mapping[str, Any],
    sources: Path = PROJECT,
    only: frozenset[str] = frozenset(),
) -> Wanted:
    """Return what `host` should be; `sources` holds the streams/ and consumers/ to release.

    With `only`, it is what these services of it should be.
    """
    import roles

    resources = roles.resources(host)
    release = None
    extra = needs_release(resources)
    if extra is not None:
        release = _release(releases.target_of(facts, extra), sources)
    digest = release.digest if release else ""
    again = rendered(host)
    if not only:
        return Wanted(again(digest), release, again)
    chosen = [
        each for role in roles.of(host)
        for each in of_services(role.resources(host), role.SERVICES, only)
    ]  # fmt: skip
    part = cut(again(digest), chosen)
    return Wanted(part, release if part.release else None, again, tuple(sorted(only)))


def _release(target: releases.Target, sources: Path) -> releases.Release:
    """Return the release; hosts of one kind share one build, as long as no source has changed."""
    with _building:
        key = (target, releases.stamps(sources))
        if key not in _built:
            _built[key] = releases.build(target, sources)
        return _built[key]


def rendered(host: Host, by: Render = render) -> Rendered:
    """Return what renders the host's files as of a release's digest, and builds nothing."""
    import roles

    resources = roles.resources(host)
    return lambda digest: compose(host, resources, digest, by)
