"""Write what hands changed on the hosts into files at home: patches, and what is left to do."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from commands.showing import Display, from_here
from commands.sources import Source, secrets_of, template
from harness.capturing import Captured, secretive
from harness.contact import Contact
from harness.drifting import Seen
from harness.edits import applied, unified
from harness.errors import ConfigurationError
from harness.handmade import without_digests
from harness.host import Host
from harness.planning import Drift
from harness.tracing import lines_of

FOLDER = "drift-captured"
#: Lines around a change in a patch of a template; a rendered file may hold a secret beside it.
AROUND_IN_TEMPLATES, AROUND_ON_HOSTS = 3, 0


@dataclass
class Brought:
    """What was brought home of one drifted path; files are named as one would type them."""

    path: str
    patch: str = ""  #: for `git apply`
    same_as: str = ""  #: an earlier patch that already is this one
    settings: dict[str, object] = field(default_factory=dict)
    kept: str = ""  #: what belongs nowhere that we know of, as it is on the host
    notes: list[str] = field(default_factory=list)


class Home:
    """The folder that all of one capture goes to; it comes to be with the first file."""

    def __init__(self, into: str) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        base = Path(into or FOLDER).absolute()
        taken = (base / (stamp + more) for more in ("", *(f"-{n}" for n in range(2, 100))))
        self.folder = next(each for each in taken if not each.exists())
        self._patches: dict[str, str] = {}  # text -> where it was written first

    def write(self, host: str, name: str, text: str) -> str:
        """Write one file, for this user alone; return its name from here. Raises on no space."""
        path = self.folder / host.replace("/", "_") / name.lstrip("/")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise ConfigurationError(
                f"{error.strerror}: {path}", step="--capture",
                action="invoke drift --capture --into FOLDER",
            ) from None  # fmt: skip
        return str(from_here(path))

    def bring(self, contact: Contact, seen: Seen) -> list[Brought]:
        """Write what drifted on one host."""
        return [self._one(contact, seen, each) for each in seen.drifted]

    def _one(self, contact: Contact, seen: Seen, drift: Drift) -> Brought:
        host, state = contact.host, seen.paths.get(drift.path, {})
        found = Brought(drift.path)
        attributes = [line for line in drift.lines if line.partition(":")[0] in _BY_ROLES]
        if attributes:
            told = ", ".join(attributes)
            found.notes.append(f"not captured: {told}: a role's file says that, and no template")
        if state.get("kind") != "file":
            if not attributes:
                found.notes.append(f"nothing to capture: {', '.join(drift.lines)}")
        elif drift.path not in contact.manifest:
            self._drop_in(host, state.get("text"), found)
        elif drift.wanted_too:
            found.notes.append("is in what is wanted now: the next deploy takes it over")
        elif any(line.startswith("sha256") for line in drift.lines):
            self._file(contact, seen, found)
        return found

    def _drop_in(self, host: Host, text: str | None, found: Brought) -> None:
        if text is None:
            found.notes.append("not captured: binary, or too large")
            return
        lines = lines_of(text)
        kept = [line for line in lines if not secretive(line, secrets_of(host))]
        found.kept = self.write(host.name, found.path, "".join(kept))
        found.notes.append("a drop-in: put what is in it into the unit's template; a deploy with"
                           " --overwrite-drift then takes it away on the host")  # fmt: skip
        _note_withheld(found, len(lines) - len(kept))

    def _file(self, contact: Contact, seen: Seen, found: Brought) -> None:
        host, wanted = contact.host, seen.now.get(found.path)
        source = Source(host, found.path) if wanted else None
        if source is None or not source.find(contact.manifest, seen.paths):
            why = "its templates or variables changed"
            if source is None:
                why = "no role asks for it, or it cannot be rendered"
            found.notes.append(f"not captured: what was deployed is not known here: {why}")
            return
        if source.traced is None:
            found.notes.append("not captured: it is made from no template")
            return
        text = seen.paths[found.path].get("text")
        if text is None:  # it may hold a secret: read for this alone, and what may be one is left
            text = _read(contact, found.path)
        if text is None:
            found.notes.append("not captured: binary, or too large")
            return
        made = source.explain(without_digests(text))
        self._patch(host, source, made, found)
        if made.rest:
            old = [line for line, _ in source.traced]
            names = (f"deployed{found.path}", f"by-hand{found.path}")
            diff = unified(old, applied(old, made.rest), *names, AROUND_ON_HOSTS)
            found.kept = self.write(host.name, f"{found.path}.rendered.patch", diff)
            for change, why in zip(made.rest, made.why, strict=True):
                line = (*change.new, *old[change.first : change.last])[0].rstrip("\n")
                found.notes.append(f"left to a person: {line!r}: {why}")
        _note_withheld(found, made.withheld)

    def _patch(self, host: Host, source: Source, made: Captured, found: Brought) -> None:
        found.settings = dict(made.settings)
        again = {name for name in made.doubled if name in made.settings}
        for name in sorted(again):
            found.notes.append(f"{name} was set by a line more, which then goes: the next deploy"
                               " needs --overwrite-drift for it")  # fmt: skip
        text = ""
        for name in dict.fromkeys(edit.source for edit in made.edits):
            old, edits = template(name), [edit for edit in made.edits if edit.source == name]
            names = (f"a/templates/{name}", f"b/templates/{name}")
            text += unified(old, applied(old, edits), *names, AROUND_IN_TEMPLATES)
        if text and text in self._patches:
            found.same_as = self._patches[text]
        elif text:
            found.patch = self.write(host.name, f"{found.path}.patch", text)
            self._patches[text] = found.patch
        also = source.also(made) if text or made.settings else []
        if also:
            found.notes.append(f"that changes {', '.join(also)} of {host.name}, too")


#: What a role's code says of a path, as drift names it.
_BY_ROLES = ("mode", "owner", "group")


def _read(contact: Contact, path: str) -> str | None:
    said = contact.session.observe(
        paths={path: None}, secret=[], units={}, packages=[], releases=[]
    )
    text: str | None = said["paths"][path].get("text")
    return text


def _note_withheld(found: Brought, lines: int) -> None:
    if lines:
        found.notes.append(f"{lines} line{'s' * (lines > 1)} not captured: may hold a secret, which"
                           " stays on the host")  # fmt: skip


def bring_home(
    contacts: Sequence[Contact],
    seen: Mapping[str, Seen],
    into: str,
    inventory: str,
    display: Display,
) -> dict[str, Any]:
    """Capture every host's drift, say what came of it and what to type; return it for --json."""
    home = Home(into)
    display.stage("finding where the changes belong")
    found = {c.host.name: home.bring(c, seen[c.host.name]) for c in contacts}
    display.idle()
    said = [line for host, brought in found.items() for line in _told(host, brought, inventory)]
    for line in said:
        display.say(line, "cyan" if line.startswith("  next: ") else "")
    if any(found.values()):
        home.write("", "what-to-do.txt", "".join(f"{line}\n" for line in said))
        display.say(f"captured: {from_here(home.folder)}; nothing was applied", "bold green")
    return {
        "folder": str(home.folder) if any(found.values()) else "",
        "hosts": {host: [asdict(each) for each in brought] for host, brought in found.items()},
    }


def _told(host: str, brought: Sequence[Brought], inventory: str) -> Iterator[str]:
    for each in brought:
        yield f"{host}  captured {each.path}"
        if each.kept:
            yield f"  as it is on the host: {each.kept}"
        for note in each.notes:
            yield f"  {note}"
        if each.same_as:
            yield f"  the same patch as {each.same_as}"
        if each.patch:
            yield f"  next: git apply {shlex.quote(each.patch)}"
        for name, value in each.settings.items():
            shown = str(value).lower() if isinstance(value, bool) else value
            yield f"  next: in inventory {inventory}, for {host}:  {name}: {shown}"
    if any(each.patch or each.same_as or each.settings for each in brought):
        yield f"  next: invoke plan -i {inventory} --limit {host}"
