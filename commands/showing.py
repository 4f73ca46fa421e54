"""What people see: live on a terminal, plain lines in a pipe, nothing but JSON with `--json`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from commands import pruning
from harness.host import Host
from harness.manifests import service_of, unit_of

if TYPE_CHECKING:
    from commands.outcomes import Outcome
    from commands.proving import Claimed
    from harness.contact import Contact
    from harness.deploying import Prepared
    from harness.planning import Drift, Plan
    from proofs.finding import Verdict

VERBS = {
    "create": "green",
    "adopt": "magenta",
    "install": "green",
    "change": "yellow",
    "remove": "red",
    "stop": "red",
}
VERDICTS = {"proved": "green", "unknown": "yellow", "refuted": "red"}


class Shown(Protocol):
    """What stays on a terminal while something goes on, and is drawn anew again and again."""

    def start(self) -> None:
        """Show it, where there is a terminal."""

    def stop(self) -> None:
        """Leave it as it is now."""

    def mark(self, host: str, stage: str, text: str, note: str = "") -> None:
        """Note what a host has come to."""

    def caption(self, text: str) -> None:
        """Tell what is going on as a whole."""


class Display:
    """One place that prints; safe to call from the threads that work on the hosts.

    With `quiet` (`--json`) progress goes nowhere, so that stdout holds one document.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(quiet=quiet, highlight=False, soft_wrap=True)
        self._lock = threading.Lock()
        self._status = self.console.status("") if self.console.is_terminal else None
        self._board: Shown | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.idle()

    def say(self, text: str, style: str = "") -> None:
        """Print one line that stays."""
        with self._lock:
            self.console.print(Text(text, style=style))

    def stage(self, text: str) -> None:
        """Tell what is going on: a spinner on a terminal, a line in a pipe."""
        with self._lock:
            if self._board:
                self._board.caption(text)
            elif self._status:
                self._status.update(escape(text))
                self._status.start()
            else:
                self.console.print(Text(text, style="dim"))

    def idle(self) -> None:
        """Take the spinner away, before a question is asked or the last word is said."""
        with self._lock:
            if self._status:
                self._status.stop()

    @contextlib.contextmanager
    def board(self, hosts: Sequence[str]) -> Iterator[None]:
        """Show where each host is while the block runs; one host needs no table."""
        self.idle()
        if len(hosts) <= 1:
            yield
            return
        from commands.board import Board

        with self.shown(Board(self.console, hosts)):
            yield

    @contextlib.contextmanager
    def shown(self, board: Shown) -> Iterator[None]:
        """Show a board while the block runs; stages become its caption."""
        self.idle()
        self._board = board
        board.start()
        try:
            yield
        finally:
            with self._lock:
                board.stop()
                self._board = None

    def mark(self, hosts: Iterable[str], stage: str, text: str, note: str = "") -> None:
        """Note on the board, where there is one, what hosts have come to."""
        with self._lock:
            for host in hosts:
                if self._board:
                    self._board.mark(host, stage, text, note)

    def __call__(self, host: Host, event: Mapping[str, Any]) -> None:
        """Show one event of the agent on `host`."""
        kind = event.get("event")
        if kind == "step":
            place = f"{event.get('index', 0) + 1}/{event.get('of', '?')}"
            what = f"{event.get('do')} {event.get('what', '')}"
            if self._board:
                self.mark([host.name], "apply", place, what)
            else:
                self.stage(f"{host.name}  apply {place}  {what}")
        elif kind == "recovered":
            self.say(f"{host.name}  put back an unfinished deploy first: {event['tx']}", "yellow")

    def unsettled(self, contact: Contact) -> None:
        """Tell that a plan of this host is made while its state does not stand."""
        name = contact.host.name
        if contact.lock:
            self.say(f"{name}  {contact.lock.get('operator')} deploys here right now", "yellow")
        elif contact.unfinished:
            ids = ", ".join(contact.unfinished)
            self.say(f"{name}  unfinished: {ids}; a deploy puts that back first", "yellow")

    def plans(self, prepared: Sequence[Prepared], *, new_files: bool = False) -> None:
        """Print the plans of all hosts; `new_files` with the content of those."""
        self.idle()
        for each in prepared:
            self.plan(each, new_files=new_files)

    def plan(self, prepared: Prepared, *, new_files: bool) -> None:
        """Print the plan of one host, diffs coloured, secrets masked."""
        steps, name = prepared.plan.steps, prepared.name
        if not steps:
            self.say(f"{name}  nothing to change", "green")
        for step in steps:
            self.say(f"{name}  {step.summary()}", VERBS.get(step.verb, "cyan"))
            if new_files or (step.do, step.verb) != ("file", "create"):
                self._lines(step.lines)
        for drift in prepared.plan.drifted:
            self.say(f"{name}  drifted {drift.path}: {', '.join(drift.lines)}", "magenta")
            self._lines(drift.diff)
        for what in prepared.plan.stays:
            self.say(f"{name}  stays: {what}", "dim")
        self._left(prepared)
        if steps and (old := pruning.would_go(prepared.contact)):
            self.say(
                f"{name}  once this is committed, {len(old)} old transactions can be undone no"
                f" more: {', '.join(old)} (keep_transactions, keep_days)",
                "yellow",
            )

    def _left(self, prepared: Prepared) -> None:
        """Name what no role asks for any more; a service that runs on is no small print."""
        name, left = prepared.name, prepared.plan.leftovers
        services = {service_of(path): None for path in left if unit_of(path)}
        for service in services:
            self.say(
                f"{name}  {service} is deployed here, and no role asks for it any more: it runs on;"
                " give the host its role back, or name the role under `absent:` to remove it",
                "bold yellow",
            )
        for path in left:
            if service_of(path) not in services:
                text = f"{name}  left from an earlier deploy, asked for by no role: {path}"
                self.say(text, "dim")

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.say(f"    {line}", diff_style(line))

    def claims(self, claims: Iterable[Claimed]) -> None:
        """Print the verdict of each claim with its reasons."""
        self.idle()
        for claim in claims:
            reasons = "; ".join(claim.finding.reasons)
            text = f"{claim.where}  {claim.finding.verdict.name:8} {claim.subject}  {reasons}"
            self.say(text, VERDICTS[claim.finding.verdict.name])

    def verdict(self, verdict: Verdict, of: str, record: Path) -> None:
        """Print the last word of a proof and where its record lies."""
        self.idle()
        self.say(f"{verdict.name}: {of}", f"bold {VERDICTS[verdict.name]}")
        self.record(record)

    def window(self, counts: Mapping[str, int], reasons: Sequence[tuple[str, int]]) -> None:
        """Print the decisions of the five-minute window and its most frequent reasons."""
        self.idle()
        total = sum(counts.values()) or 1
        for name, count in counts.items():
            bar = "#" * round(40 * count / total)
            self.say(f"    {name:8} {count:7,}  {count / total:6.1%}  {bar}")
        gates = [(name, count) for name, count in reasons if name != "none"]
        top = ", ".join(f"{name} {count:,}" for name, count in gates)
        self.say(f"    top reasons: {top}", "dim")

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] = ()
    ) -> None:
        """Print rows under headings; in a pipe each row is a line of words between tabs."""
        self.idle()
        if not self.console.is_terminal:
            lines = "".join("\t".join(row) + "\n" for row in (columns, *rows))
            with self._lock:
                if not self.console.quiet:  # rich would make spaces of the tabs
                    self.console.file.write(lines)
            return
        from rich.table import Table

        table = Table(*columns, box=None, pad_edge=False, header_style="dim")
        for row, style in zip(rows, styles or [""] * len(rows), strict=True):
            table.add_row(*(escape(each) for each in row), style=style)
        with self._lock:
            self.console.print(table)

    def outcome(self, outcome: Outcome) -> None:
        """Print the last word of a deploy: what stands where, and why."""
        self.idle()
        style = {"committed": "bold green", "in_doubt": "bold yellow"}.get(
            outcome.state, "bold red"
        )
        for reason in outcome.reasons:
            self.say(f"  {reason}", "red")
        hosts = ", ".join(f"{host} {state}" for host, state in outcome.hosts.items())
        self.say(f"{outcome.state}: {hosts}  ({outcome.transaction})", style)

    def undone(self, host: str, reply: Mapping[str, Any]) -> None:
        """Print what a rollback put back, kept and found changed on one host."""
        self.idle()
        for one in reply.get("undone", ()):
            self.say(f"{host}  undone {one['tx']}: {len(one['restored'])} paths put back", "green")
            for path in one["restored"]:
                self.say(f"    {path}", "dim")
            for package in one["kept"]:
                self.say(f"    package {package} stays installed", "dim")
            for user in one.get("users", ()):
                self.say(f"    user {user} stays", "dim")
            for drift in one["drifted"]:
                kept = f"    {drift['path']} was changed by hand; kept as {drift['kept_as']}"
                self.say(kept, "magenta")

    def record(self, record: Path) -> None:
        """Print where the record lies, as one would type it from here."""
        self.say(f"record: {from_here(record)}", "dim")

    def drift(self, found: Mapping[str, Sequence[Drift]]) -> None:
        """Print what changed on each host since its last deploy."""
        self.idle()
        for host, drifted in found.items():
            if not drifted:
                self.say(f"{host}  as deployed", "green")
            for each in drifted:
                self.say(f"{host}  drifted {each.path}", "magenta")
                for line in each.lines:
                    self.say(f"    {line}")
                self._lines(each.diff)


def from_here(path: Path) -> Path:
    """Return a path as one would type it in this directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def diff_style(line: str) -> str:
    """Return the colour of one line of a unified diff."""
    if line.startswith(("+++", "---", "@@")):
        return "dim"
    return {"+": "green", "-": "red"}.get(line[:1], "")


def plan_document(prepared: Sequence[Prepared]) -> dict[str, Any]:
    """Return the plans of all hosts for `--json`; secrets appear nowhere in it."""
    return {
        "hosts": {
            each.name: {
                **_plan(each.plan),
                "would_prune": pruning.would_go(each.contact) if each.plan.steps else [],
            }
            for each in prepared
        },
        "changes": sum(len(each.plan.steps) for each in prepared),
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "steps": [
            {"do": s.do, "what": s.what, "verb": s.verb, "lines": list(s.lines)} for s in plan.steps
        ],
        "restarts": list(plan.restarts),
        "drifted": [each.document() for each in plan.drifted],
        "leftovers": list(plan.leftovers),
        "removed": list(plan.removed),
        "stays": list(plan.stays),
    }
