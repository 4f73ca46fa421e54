"""Show one record to a person: a single page that needs no network and no script.

Equal statements and evidence give equal bytes, so the page's digest can stand in the ledger.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

#: How much of one piece of evidence the page shows; all of it lies beside the page.
SHOWN_CHARACTERS = 20_000
#: How many deployed files the page lists one by one.
SHOWN_SUBJECTS = 500

#: The sentence at the top, by outcome; any other outcome is said as it is.
SENTENCES = {
    "proved": "Proved: every claim follows from its evidence.",
    "refuted": "Refuted: at least one claim does not hold.",
    "unknown": "Unknown: the evidence does not suffice, which is not a pass.",
    "committed": "Deployed: the gate passed and every host kept the change.",
    "unchanged": "Nothing to change: every host already was what it should be.",
    "partly_committed": "Partly deployed: the batches that passed their gate kept the change.",
    "rolled_back": "Rolled back: what was changed has been put back.",
    "in_doubt": "In doubt: the outcome on at least one host is not known.",
    "kept": "Kept: every host has the snapshot, and has read it back.",
    "restored": "Restored: what the snapshot kept is in place again; no unit was restarted.",
    "failed": "Failed: see the steps for where and why.",
}
COLOURS = {
    "proved": "good", "committed": "good", "unchanged": "good", "done": "good",
    "kept": "good", "restored": "good",
    "refuted": "bad", "failed": "bad",
}  # fmt: skip


def render(statement: Mapping[str, Any], evidence: Mapping[str, bytes]) -> bytes:
    """Return report.html for a statement; `evidence` holds the blobs by digest."""
    predicate = statement["predicate"]
    names = {digest: name for name, digest in predicate["evidence"].items()}
    shown = {digest: _shown(blob) for digest, blob in evidence.items()}
    claimed = {claim["evidence_sha256"] for claim in predicate["claims"]}
    page = _environment().get_template("report.html.j2")
    text = page.render(
        p=predicate,
        sentence=_sentence(predicate),
        colour=COLOURS.get,
        subjects=statement["subject"][:SHOWN_SUBJECTS],
        subjects_left=max(0, len(statement["subject"]) - SHOWN_SUBJECTS),
        shown=shown,
        others=[(names[d], d) for d in sorted(names, key=names.__getitem__) if d not in claimed],
        names=names,
    )
    return text.encode("utf-8", "backslashreplace")


def _sentence(predicate: Mapping[str, Any]) -> str:
    outcome = predicate["outcome"]
    said: str = SENTENCES.get(outcome, outcome.replace("_", " ").capitalize() + ".")
    hosts = predicate["hosts"]
    return f"{said} ({', '.join(hosts)})" if hosts else said


def _shown(blob: bytes) -> str:
    """Return evidence as indented JSON where it is JSON, cut to what a page can bear."""
    text = blob.decode("utf-8", "backslashreplace")
    with contextlib.suppress(ValueError):
        text = json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False)
    left = len(text) - SHOWN_CHARACTERS
    return text if left <= 0 else f"{text[:SHOWN_CHARACTERS]}\n… {left} more characters in the file"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = _plain
    return environment


def _plain(value: object) -> str:
    """Return a value of the predicate as one line of text."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
