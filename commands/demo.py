"""Tell the whole story in about a minute: deploy, prove, break, refuse, roll back."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.choosing import INVENTORY_HELP
from commands.running import command
from harness.errors import DONE, FAILED

if TYPE_CHECKING:
    from commands.showing import Display


@command(help={"inventory": f"{INVENTORY_HELP}; sandbox or lab"})
def demo(context: Any, inventory: str = "") -> int:
    """Deploy, feed, prove, kill, prove again, refuse a broken release, roll back; then clean up.

    Needs no root, no Redis and no systemd: without -i it plays on a sandbox of its own.
    Examples: invoke demo        invoke lab.up && invoke demo -i lab
    """
    from commands.props import StoryError, staged
    from commands.showing import Display, from_here
    from commands.story import tell

    with Display() as display:
        try:
            with staged(context, inventory, display) as chosen:
                try:
                    tell(chosen, display)
                except StoryError as error:  # told before the undo, which has words of its own
                    _say_wrong(display, error)
                    return FAILED
        except StoryError as error:
            _say_wrong(display, error)
            return FAILED
        display.say("")
        display.say("every proof came out as it should", "bold green")
        display.say(f"records: {from_here(chosen.inventory.records)}/")
        display.say(f"  next: {by_name('invoke')} history, or {by_name('invoke')} --list")
    return DONE


def by_name(program: str) -> str:
    """Return how a program of this environment is typed: with its folder where PATH lacks it."""
    beside = Path(sys.executable).parent / program
    if shutil.which(program) or not beside.exists():
        return program
    return os.path.relpath(beside)


def _say_wrong(display: Display, error: Exception) -> None:
    display.idle()
    display.say(f"the demo did not come out as it should: {error}", "bold red")
