"""Tell the whole story in about a minute: deploy, prove, break, refuse, roll back."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP
from commands.running import command
from harness.errors import FAILED


@command(help={"inventory": f"{INVENTORY_HELP}; sandbox or lab"})
def demo(context: Any, inventory: str = "") -> int:
    """Deploy, feed, prove, kill, prove again, refuse a broken release, roll back; then clean up.

    Needs no root, no Redis and no systemd: without -i it runs on a sandbox of its own.
    Examples: invoke demo        invoke lab.up && invoke demo -i lab
    """
    from commands.showing import Display
    from commands.story import StoryError, staged, tell

    with Display() as display, staged(context, inventory, display) as chosen:
        try:
            tell(chosen, display)
        except StoryError as error:
            display.say(f"the demo did not come out as it should: {error}", "bold red")
            return FAILED
    return 0
