"""Have the agent try the forbidden actions: bare, under each directive alone, and in each unit."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from harness.manifests import unit_files
from proofs.confinement.directives import (
    ACTIONS,
    BASES,
    DIRECTIVES,
    declared,
    limits,
    permitted,
    service_lines,
)

#: What every unit sees of the system, beside its own release.
SYSTEM_CODE = "/usr/lib/os-release"


class Asked(Protocol):
    """The part of harness.session.Session that is asked here."""

    @property
    def attest(self) -> Callable[..., Mapping[str, Any]]:
        """Return the newest manifest."""

    @property
    def observe(self) -> Callable[..., Mapping[str, Any]]:
        """Return the units' states and the text of their files."""

    @property
    def probe(self) -> Callable[..., Mapping[str, Any]]:
        """Run trials on the host."""


def probe(session: Asked) -> dict[str, Any]:
    """Return what each deployed unit says, and what came of each forbidden action there.

    Raises AgentError where nothing can be tried. Without a deployed unit there are no "units".
    """
    manifest = session.attest(releases=[], paths=[], units={}).get("manifest") or {}
    units: dict[str, dict[str, Any]] = {
        name: {} for name in unit_files(manifest) if name.endswith(".service")
    }
    states = session.observe(paths={}, units=units)["units"]
    if not states:
        return {"services": "", "units": {}}
    if any("not_honoured" in state for state in states.values()):
        return {
            "services": "supervisor",
            "units": {
                name: {"not_honoured": list(s.get("not_honoured") or ())}
                for name, s in states.items()
            },
        }
    files = {name: [s["fragment"], *s["dropins"]] for name, s in states.items()}
    paths = sorted({path for each in files.values() for path in each if path})
    seen = session.observe(paths=dict.fromkeys(paths))["paths"]
    texts = {path: str(state.get("text") or "") for path, state in seen.items()}
    said = {
        name: service_lines("\n".join(texts[path] for path in paths if path))
        for name, paths in files.items()
    }
    wanted = trials(said)
    found = session.probe(
        {key: each["trial"] for key, each in wanted.items()},
        units=sorted(said), code=_code(said.values()),
    )  # fmt: skip
    return {
        "services": "systemd",
        "units": {
            name: {
                "ours": states[name]["fragment"] in manifest,
                "foreign": [path for path in files[name][1:] if path not in manifest],
                "reload": states[name]["need_reload"],
                "declared": declared(lines),
                "permitted": permitted(lines),
                "limits": {"said": limits(lines), "found": found["limits"][name]},
                "tried": found["trials"][f"inside {name}"],
            }
            for name, lines in said.items()
        },
        "bare": {base: found["trials"][f"bare {base}"] for base in BASES},
        "alone": [
            {**each["about"], "tried": found["trials"][key]}
            for key, each in wanted.items()
            if each["about"]
        ],
    }


def trials(units: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """Return what to try, by name: {"trial": for the agent, "about": the directive or {}}. Pure.

    Bare, each action shows that nothing but a directive stands in its way; alone, each directive
    shows what it does without the others, which would hide that it does nothing.
    """
    wanted = {f"bare {base}": _trial([line], list(ACTIONS)) for base, line in BASES.items()}
    for name, lines_of in units.items():
        wanted[f"inside {name}"] = _trial(lines_of, list(ACTIONS))
    for directive in DIRECTIVES:
        forms: dict[tuple[str, ...], list[str]] = {}
        for name, lines_of in units.items():
            if directive.said(lines_of):
                forms.setdefault(directive.lines(lines_of), []).append(name)
        for number, (lines, names) in enumerate(forms.items()):
            about = {
                "directive": directive.name, "action": directive.action, "base": directive.base,
                "units": names,
            }  # fmt: skip
            trial = _trial([BASES[directive.base], *lines], [directive.action])
            wanted[f"alone {directive.name} {number}"] = {**trial, "about": about}
    return wanted


def _trial(lines: Sequence[str], actions: Sequence[str]) -> dict[str, Any]:
    return {"trial": {"service": "\n".join(lines), "actions": list(actions)}, "about": {}}


def _code(units: Any) -> list[str]:
    """Return files that no unit may write to: the system's, and those of the units' releases."""
    folders = {
        line.partition("=")[2] for lines in units for line in lines
        if line.startswith("WorkingDirectory=/opt/quantum/releases/")
    }  # fmt: skip
    return [SYSTEM_CODE, *(posixpath.join(each, "COMPLETE") for each in sorted(folders))]
