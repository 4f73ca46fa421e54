"""A day of faults, live on a terminal; in a pipe one plain line for each stage and scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fault_injection.report.live import NOT_OBSERVED, FaultNow, Now, Watch

if TYPE_CHECKING:
    from fault_injection.history.happenings import Happening
    from fault_injection.schedules.schedule import Schedule

#: How often it is drawn anew; what is written comes a thousand times as often.
A_SECOND = 4
STYLES = {"armed": "cyan", "injected": "cyan", "observed": "bold yellow", "undone": "green"}
#: Lines of the terminal for everything but the events.
BESIDE_EVENTS = 14
LEAST_EVENTS = 3


class FaultBoard:
    """What a day has come to. Hand it to Display.shown, and `on` to whoever writes the history."""

    def __init__(self, console: Console, schedule: Schedule | None) -> None:
        self._console = console
        self._watch = Watch(schedule)
        self._caption = ""
        shown = console.is_terminal and not console.quiet
        self._live = (
            Live(console=console, get_renderable=self._drawn, refresh_per_second=A_SECOND)
            if shown
            else None
        )

    def on(self, *happenings: Happening) -> None:
        """Take what was written; any thread may call it."""
        for line in self._watch.on(*happenings):
            if not self._live:
                self._console.print(Text(line))

    def start(self) -> None:
        """Show it, where there is a terminal."""
        if self._live:
            self._live.start()

    def stop(self) -> None:
        """Leave it as it is now."""
        if self._live:
            self._live.stop()

    def mark(self, host: str, stage: str, text: str, note: str = "") -> None:
        """Take what a deploy says of its hosts: here that is no more than a caption."""
        self._caption = " ".join(filter(None, (host, stage, text, note)))

    def caption(self, text: str) -> None:
        """Tell what is going on as a whole."""
        self._caption = text
        if not self._live:
            self._console.print(Text(text))

    def _drawn(self) -> RenderableType:
        return drawn(self._watch.now(), self._caption, self._console.height)


def drawn(now: Now, caption: str, height: int) -> RenderableType:
    """Return what is shown of a moment."""
    heading = Text.assemble(
        (now.clock, "bold"), f" of {now.of}" if now.of else "", "   ",
        (now.scenario or "no scenario", "bold"), f"  {now.place}", (f"   {caption}", "dim"),
    )  # fmt: skip
    work = Text.assemble(
        (f"{now.per_s:,.0f}", "bold"), " operations/s, ", f"{now.operations:,} in all",
        (f", {now.unanswered:,} not answered" if now.unanswered else "", "yellow"),
        f"   {now.seen}",
    )  # fmt: skip
    most = max(LEAST_EVENTS, height - BESIDE_EVENTS - len(now.flows) - len(now.faults))
    events = [Text(each, style="red" if NOT_OBSERVED in each else "dim") for each in now.events]
    return Group(heading, work, Text(), _faults(now), Text(), _flows(now), Text(), *events[-most:])


def _faults(now: Now) -> Table:
    table = Table.grid(padding=(0, 2))
    for each in now.faults:
        style = "bold red" if NOT_OBSERVED in each.stage else STYLES.get(each.stage, "")
        table.add_row(*_fault(each, f"for {each.for_s:.0f} s"), style=style)
    if now.coming:
        left_s = max(0.0, -now.coming.for_s)
        table.add_row(*_fault(now.coming, f"in {left_s:.0f} s"), style="dim")
    if not table.row_count:
        table.add_row(Text("no fault now, and none to come", style="dim"))
    return table


def _fault(each: FaultNow, when: str) -> tuple[Text, ...]:
    return Text(f"{each.name} ({each.fault})"), Text(each.target), Text(each.stage), Text(when)


def _flows(now: Now) -> Table:
    table = Table("flow", "lag", "pending", "both, lately", box=None, pad_edge=False)
    table.header_style = "dim"
    for column in table.columns[1:3]:
        column.justify = "right"
    for each in now.flows:
        table.add_row(Text(each.flow), f"{each.lag:,}", f"{each.pending:,}", Text(each.spark))
    return table
