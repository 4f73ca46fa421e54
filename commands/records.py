"""Print records: a table on a terminal, plain lines in a pipe."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

import proofs
from harness.ledger.ledger import Entry, Ledger, Loaded
from harness.ledger.report import COLOURS
from harness.ledger.verifying import Problem, Weight

STYLES = {"good": "green", "bad": "red", "doubt": "yellow"}
WEIGHTS = {Weight.note: "dim", Weight.broken: "red", Weight.doubt: "yellow"}


def console() -> Console:
    """Return where to print; never wrapped in a pipe, so that grep finds whole lines."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def style(outcome: str) -> str:
    """Return the colour of an outcome or a verdict."""
    return STYLES[COLOURS.get(outcome, "doubt")]


def line_document(entry: Entry) -> dict[str, Any]:
    """Return a ledger line for --json."""
    return asdict(entry)


def history_table(entries: Sequence[Entry]) -> None:
    """Print one line per record."""
    out = console()
    if not out.is_terminal:
        for entry in entries:
            words = (entry.id, entry.kind, entry.outcome, ",".join(entry.hosts), entry.at)
            out.print(Text("  ".join(words)))
        return
    if not entries:
        out.print("no records yet")
        return
    table = Table("id", "kind", "outcome", "hosts", "at", box=None, pad_edge=False)
    for entry in entries:
        outcome = Text(entry.outcome, style=style(entry.outcome))
        table.add_row(entry.id, entry.kind, outcome, ", ".join(entry.hosts), entry.at[:19])
    out.print(table, soft_wrap=False)


def show_record(loaded: Loaded, folder: Path, *, evidence: bool) -> None:
    """Print a record's claims and steps, with `evidence` all of what the claims rest on."""
    out, said = console(), loaded.statement["predicate"]
    entry = loaded.entry
    out.print(Text(f"{entry.id}  {entry.outcome}", style=f"bold {style(entry.outcome)}"))
    out.print(Text(f"{entry.at}  {said['inventory']} ({said['mode']})  {said['operator']}"))
    for claim in said["claims"]:
        verdict = claim["verdict"]
        of = f" of {claim['service']}" if claim.get("service") else ""
        out.print(Text(f"{claim['host']}  {verdict:8} {claim['id']}{of}", style=style(verdict)))
        for reason in claim["reasons"]:
            out.print(Text(f"    {reason}"))
        if evidence:
            out.print(Text(f"    evidence {claim['evidence_sha256']}", style="dim"))
            blob = json.loads(loaded.evidence[claim["evidence_sha256"]])
            for line in json.dumps(blob, indent=1, sort_keys=True).splitlines():
                out.print(Text(f"      {line}"))
    for host, last in said.get("reinstalled", {}).items():
        text = f"{host}  another machine, or installed anew, since record {last}"
        out.print(Text(text, style="yellow"))
    for step in said.get("steps", ()):
        words = (step.get("host", ""), step.get("name", ""), step.get("outcome", ""))
        out.print(Text("  ".join(str(word) for word in words)))
    out.print(Text(f"{len(loaded.statement['subject'])} deployed files", style="dim"))
    out.print(Text(str(folder / "report.html"), style="dim"))


def claims_document(loaded: Loaded) -> dict[str, Any]:
    """Return a record's claims with their evidence for --json."""
    claims = loaded.statement["predicate"]["claims"]
    return {
        "id": loaded.entry.id,
        "outcome": loaded.entry.outcome,
        "claims": [
            {**claim, "evidence": json.loads(loaded.evidence[claim["evidence_sha256"]])}
            for claim in claims
        ],
    }


def show_problems(ledger: Ledger, problems: Sequence[Problem]) -> None:
    """Print what is wrong, and one last line that sums it up."""
    out = console()
    for problem in problems:
        where = problem.id or "ledger"
        text = f"{where}  {problem.kind}  {problem.text}"
        out.print(Text(text, style=WEIGHTS[problem.weight]))
    weights = {problem.weight for problem in problems}
    if Weight.broken in weights:
        out.print(Text("the ledger does not say what was written", style="bold red"))
    elif Weight.doubt in weights:
        text = "every record that can be read verifies; the lines above need a look"
        out.print(Text(text, style="bold yellow"))
    else:
        count = len(ledger.entries())
        out.print(Text(f"{count} records verified: chain, digests, checks", style="bold green"))


def show_claim(name: str) -> None:
    """Print a claim, how it is checked, and the digest of the code that decides."""
    out, module = console(), proofs.module(name)
    out.print(Text(name, style="bold"))
    out.print(Text(inspect.getdoc(module) or ""))
    for title, function in (("gathered", module.gather), ("checked", module.check)):
        out.print(Text(f"\n{title}: {inspect.getdoc(function)}"))
    out.print(Text(f"code: sha256 {proofs.code_sha256(name)}", style="dim"))
