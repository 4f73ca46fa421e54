"""The machine's own apt sources with another suite in them, so that no mirror is named here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from harness.errors import LabError

#: What may follow the codename; backports and other people's suites stay out of the image.
POCKETS = ("", "-updates", "-security")


def swap(suites: Iterable[str], machine: str, wanted: str) -> list[str]:
    """Return the suites of the machine's release that belong in the image, renamed."""
    keep = {machine + pocket: wanted + pocket for pocket in POCKETS}
    return [keep[suite] for suite in suites if suite in keep]


def deb822(text: str, machine: str, wanted: str) -> str:
    """Return the stanzas of a .sources file that serve `machine`, saying `wanted` instead."""
    kept = []
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if line.strip() and line[0] != "#"]
        fields = {line.split(":", 1)[0].lower(): line for line in lines if ":" in line}
        suites = swap(fields.get("suites", ":").split(":", 1)[1].split(), machine, wanted)
        disabled = "no" in fields.get("enabled", "").lower().split(":")[-1].split()
        if not suites or disabled or "deb" not in fields.get("types", "").split():
            continue
        renamed = {"suites": f"Suites: {' '.join(suites)}", "types": "Types: deb"}
        kept.append("\n".join(renamed.get(line.split(":", 1)[0].lower(), line) for line in lines))
    return "\n\n".join(kept) + "\n" if kept else ""


def one_line(text: str, machine: str, wanted: str) -> str:
    """Return the `deb` lines of a .list file that serve `machine`, saying `wanted` instead."""
    kept = []
    for line in text.splitlines():
        match = re.match(
            r"(deb\s+(?:\[[^\]]*\]\s+)?\S+\s+)(\S+)(\s.*)?$", line.split("#")[0].strip()
        )
        if match and (suites := swap([match[2]], machine, wanted)):
            kept.append(f"{match[1]}{suites[0]}{match[3] or ''}")
    return "\n".join(kept) + "\n" if kept else ""


def read(etc_apt: Path, machine: str, wanted: str) -> dict[str, str]:
    """Return {"lab.sources": text, "lab.list": text}, without the empty ones."""
    folder = etc_apt / "sources.list.d"
    modern = [deb822(p.read_text(), machine, wanted) for p in sorted(folder.glob("*.sources"))]
    lists = [etc_apt / "sources.list", *sorted(folder.glob("*.list"))]
    classic = [one_line(p.read_text(), machine, wanted) for p in lists if p.is_file()]
    found = {
        "lab.sources": "\n".join(text for text in modern if text),
        "lab.list": "".join(classic),
    }
    found = {name: text for name, text in found.items() if text}
    if not found:
        raise LabError(
            f"{etc_apt} has no source for {machine!r}, so no image can be built from it",
            step="lab image",
            action="check the machine's apt sources",
        )
    return found
