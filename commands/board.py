"""A live table of hosts x stage on a terminal; in a pipe one plain line for every change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

#: The columns after the host's name: which batch, and what became of it at each stage.
STAGES = ("batch", "apply", "gate", "end")
STYLES = {
    "applied": "green", "passed": "green", "committed": "bold green", "left out": "yellow",
    "in_doubt": "bold yellow", "refused": "red", "rolled_back": "red",
}  # fmt: skip
#: Lines of the terminal that the table leaves free, for what is printed above it.
LEFT_FREE = 8
LEAST_ROWS = 3

Cells = Mapping[str, str]


class Board:
    """Which host is where. Its owner sees to it that one thread at a time uses it."""

    def __init__(self, console: Console, hosts: Iterable[str]) -> None:
        self._console = console
        self._rows: dict[str, dict[str, str]] = {host: {} for host in hosts}
        self._caption = ""
        shown = console.is_terminal and not console.quiet
        self._live = Live(console=console, auto_refresh=False) if shown else None

    def start(self) -> None:
        """Show it, where there is a terminal."""
        if self._live:
            self._live.start()

    def stop(self) -> None:
        """Leave the table as it is now."""
        if self._live:
            self._live.stop()

    def mark(self, host: str, stage: str, text: str, note: str = "") -> None:
        """Note what a host has come to; the same again is no change.

        The note is for a pipe alone: a table has no room for it.
        """
        row = self._rows.setdefault(host, {})
        if row.get(stage) == text:
            return
        row[stage] = text
        if self._live:
            self._refresh()
        else:
            line = f"{host}  {stage} {text}  {note}".rstrip()
            self._console.print(Text(line, style=STYLES.get(text, "dim")))

    def caption(self, text: str) -> None:
        """Tell what is going on as a whole."""
        self._caption = text
        if self._live:
            self._refresh()
        else:
            self._console.print(Text(text, style="dim"))

    def _refresh(self) -> None:
        assert self._live
        most = max(LEAST_ROWS, self._console.height - LEFT_FREE)
        self._live.update(table(self._rows, self._caption, most), refresh=True)


def table(rows: Mapping[str, Cells], caption: str, most: int) -> RenderableType:
    """Return the table of at most `most` hosts; the rest is told as one line."""
    shown = chosen(rows, most)
    made = Table("host", *STAGES, box=None, pad_edge=False, header_style="dim")
    made.caption, made.caption_justify = caption, "left"
    for host in shown:
        cells = [Text(rows[host].get(each, "")) for each in STAGES]
        for cell in cells:
            cell.stylize(STYLES.get(cell.plain, ""))
        made.add_row(Text(host), *cells)
    if len(shown) < len(rows):
        made.add_row(Text(f"and {len(rows) - len(shown)} more", style="dim"))
    return made


def chosen(rows: Mapping[str, Cells], most: int) -> Sequence[str]:
    """Return which hosts are shown, in their order: first those that are being worked on. Pure."""

    def rank(host: str) -> int:
        cells = rows[host]
        if "end" in cells:
            return 1 if cells["end"] != "committed" else 3
        return 0 if cells else 2

    picked = set(sorted(rows, key=rank)[:most])
    return [host for host in rows if host in picked]
