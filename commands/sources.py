"""What makes one file of a host: its templates, its variables, and what others would make of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from commands.wanting import rendered
from harness.capturing import Captured, capture, secretive
from harness.edits import Change, Edit, applied
from harness.errors import ConfigurationError
from harness.guesses import Traced
from harness.handmade import SHORTEST_MASKED, named_in, without_digests
from harness.host import Host
from harness.masking import Secret
from harness.rendering import TEMPLATES, render
from harness.tracing import Marking, lines_of, names_in, origins


class Source:
    """What makes one file of a host, and what it would be if that were something else."""

    def __init__(self, host: Host, path: str) -> None:
        self._host, self._path, self._release = host, path, ""
        self.traced: Traced | None = None  #: None: made from no template

    def find(self, manifest: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
        """Tell whether it can be made again as it was deployed, to the byte."""
        for release in named_in(seen):
            one = self._all(release, self._host).get(self._path)
            if one and one.sha256 == manifest[self._path].get("sha256"):
                self._release = release
                self._trace(one.content.decode(errors="replace"))
                return True
        return False

    def _trace(self, text: str) -> None:
        marking = partial(render, extensions=(Marking,))
        marked = rendered(self._host, marking)(self._release).paths
        content = next(one.content for one in marked if one.path == self._path)
        traced = origins(content.decode(errors="replace"))
        found = [(line, origin) for line, origin in traced if without_digests(line)]
        if "".join(line for line, _ in found) == without_digests(text) and any(o for _, o in found):
            self.traced = found

    def explain(self, hand: str) -> Captured:
        """Find the template's lines and the variables that would make the file what it is."""
        assert self.traced is not None
        return capture(
            hand, self.traced, template, self._again, _variables(self._host), self._hidden
        )

    def also(self, made: Captured) -> list[str]:
        """Return which other files of the host these changes would change."""
        before = self._all(self._release, self._host)
        with _edited(made.edits) as templates:
            after = self._all(self._release, _with(self._host, made.settings), templates)
        return [path for path in after if path != self._path and before.get(path) != after[path]]

    def _again(self, edits: Sequence[Edit], settings: Mapping[str, object]) -> str | None:
        try:
            with _edited(edits) as templates:
                made = self._all(self._release, _with(self._host, settings), templates)
        except ConfigurationError:
            return None
        one = made.get(self._path)
        return without_digests(one.content.decode(errors="replace")) if one else None

    @staticmethod
    def _all(release: str, host: Host, templates: Path = TEMPLATES) -> dict[str, Any]:
        made = rendered(host, partial(render, templates=templates))(release)
        return {one.path: one for one in made.paths}

    def _hidden(self, change: Change) -> bool:
        """Tell whether a change may bring a secret along, or stands where one does."""
        assert self.traced is not None
        touched = self.traced[change.first : change.last]
        lines = (*change.new, *(line for line, _ in touched))
        names = {n for n, value in self._host.values.items() if isinstance(value, Secret)}
        return any(secretive(line, secrets_of(self._host)) for line in lines) or any(
            names & names_in(template(origin.source)[origin.number])
            for _, origin in touched
            if origin
        )


def _with(host: Host, settings: Mapping[str, object]) -> Host:
    return replace(host, values={**host.values, **settings}) if settings else host


@contextmanager
def _edited(edits: Sequence[Edit]) -> Iterator[Path]:
    """Yield the folder of the templates with these edits in them."""
    if not edits:
        yield TEMPLATES
        return
    with tempfile.TemporaryDirectory(prefix="quantum-templates-") as folder:
        copy = Path(folder) / "templates"
        shutil.copytree(TEMPLATES, copy)
        for name in {edit.source for edit in edits}:
            lines = applied(template(name), [each for each in edits if each.source == name])
            (copy / name).write_text("".join(lines), encoding="utf-8", newline="")
        yield copy


def template(name: str) -> list[str]:
    """Return the lines of a template, with their ends."""
    return lines_of((TEMPLATES / name).read_text(encoding="utf-8"))


def _variables(host: Host) -> dict[str, object]:
    """Return every variable that the host's roles read, with its value, but for secrets."""
    import roles

    found: dict[str, object] = {}
    for role in roles.of(host):
        found |= role.VARIABLES
    found |= {name: value for name, value in host.values.items() if name in found}
    return {name: value for name, value in found.items() if not isinstance(value, Secret)}


def secrets_of(host: Host) -> list[str]:
    """Return the host's secrets that are long enough to be looked for in a text."""
    values = [v.reveal() for v in host.values.values() if isinstance(v, Secret)]
    return [v.decode(errors="replace") for v in values if len(v) >= SHORTEST_MASKED]
