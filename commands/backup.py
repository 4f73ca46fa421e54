"""Keep files of the hosts on demand, show what is kept, and put it back."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, YES_HELP, choose
from commands.running import command, print_json


@command(
    iterable=["path"],
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "path": "a file, link or whole directory on the hosts; may be said again (default: all"
        " files that deploys manage)",
        "json": JSON_HELP,
    },
)
def backup(
    context: Any, inventory: str = "", limit: str = "", path: Any = None, json: bool = False
) -> int:
    """Take a snapshot into the hosts' transaction store; nothing prunes it.

    Examples: invoke backup -i lab        invoke backup -i lab --path /etc/hosts --path /etc/redis
    """
    from commands.showing import Display
    from commands.snapshots import named, take

    paths = named(path or ())
    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = take(chosen, paths, display)
        if json:
            print_json(document)
    return int(document["exit_code"])


@command(name="list", help={"inventory": INVENTORY_HELP, "limit": LIMIT_HELP, "json": JSON_HELP})
def list_snapshots(context: Any, inventory: str = "", limit: str = "", json: bool = False) -> int:
    """Show the hosts' snapshots, each read to tell whether it is whole; exit 1 where one is not.

    Example: invoke backup.list -i lab
    """
    from commands.showing import Display
    from commands.snapshots import show

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = show(chosen, display)
        if json:
            print_json(document)
    return int(document["exit_code"])


@command(
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "id": "the snapshot, as invoke backup.list shows it, or enough of its beginning",
        "yes": YES_HELP,
        "json": JSON_HELP,
    }
)
def restore(
    context: Any,
    inventory: str = "",
    limit: str = "",
    id: str = "",  # noqa: A002  the contract's name of the flag
    yes: bool = False,
    json: bool = False,
) -> int:
    """Put a snapshot back as one transaction, after showing what would change; rollback undoes it.

    Restarts no unit. Example: invoke backup.restore -i lab --id 20261121-101500
    """
    from commands.restoring import carry_out
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = carry_out(chosen, id, display, yes=yes)
        if json:
            print_json(document)
    return int(document["exit_code"])
