"""Run a consumer here, and start, stop, restart and read the consumers on the hosts."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, ONLY_HELP, choose
from commands.running import command, print_json


@command(
    positional=["name"],
    help={
        "name": "decision_intelligence, strategy_router, execution",
        "inventory": INVENTORY_HELP,
        "host": "whose settings it gets (default: the first host that has the role)",
        "once": "settle what waits, then end",
        "check-config": "only say whether the settings can stand",
    },
)
def run(
    context: Any,
    name: str,
    inventory: str = "",
    host: str = "",
    once: bool = False,
    check_config: bool = False,
) -> int:
    """Run a consumer on this machine, in the foreground, with a host's settings; Ctrl-C stops it.

    It connects to the Redis that the inventory names, directly. Its name is its own
    (<this machine>-run), so that it works beside the deployed ones and never as one of them.
    Example: invoke consumers.run strategy_router --once
    """
    from commands.foreground import run_here
    from commands.showing import Display

    chosen = choose(context, inventory, host)
    with Display() as display:
        return run_here(chosen, name, display, once=once, check_config=check_config)


def _operate(context: Any, verb: str, inventory: str, limit: str, only: str, json: bool) -> int:
    from commands.operating import carry_out
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = carry_out(chosen, verb, only, display)
        if json:
            print_json(document)
    return int(document["exit_code"])


HELP = {"inventory": INVENTORY_HELP, "limit": LIMIT_HELP, "only": ONLY_HELP, "json": JSON_HELP}


@command(help=HELP)
def start(
    context: Any, inventory: str = "", limit: str = "", only: str = "", json: bool = False
) -> int:
    """Start the hosts' consumers and wait until each says READY.

    Example: invoke consumers.start -i lab --only execution
    """
    return _operate(context, "start", inventory, limit, only, json)


@command(help=HELP)
def stop(
    context: Any, inventory: str = "", limit: str = "", only: str = "", json: bool = False
) -> int:
    """Stop the hosts' consumers; each finishes what it has begun. They start again at boot.

    Example: invoke consumers.stop -i lab --limit lab2
    """
    return _operate(context, "stop", inventory, limit, only, json)


@command(help=HELP)
def restart(
    context: Any, inventory: str = "", limit: str = "", only: str = "", json: bool = False
) -> int:
    """Restart the hosts' consumers, past a start limit too.

    Example: invoke consumers.restart -i lab --only ai-strategy-router
    """
    return _operate(context, "restart", inventory, limit, only, json)


@command(
    help={
        **HELP,
        "follow": "go on until Ctrl-C",
        "lines": "how many of the past, of each unit (with --follow: of each host)",
        "since": 'where to begin, as journalctl takes it, e.g. "10 min ago"',
        "json": "a JSON document on each line",
    }
)
def logs(
    context: Any,
    inventory: str = "",
    limit: str = "",
    only: str = "",
    follow: bool = False,
    lines: int = 50,
    since: str = "",
    json: bool = False,
) -> int:
    """Show what the hosts' consumers have logged, merged by time.

    Example: invoke consumers.logs -i lab --only execution --follow
    """
    from commands.logging_of_hosts import show

    chosen = choose(context, inventory, limit)
    return show(chosen, only, lines=lines, since=since, follow=follow, as_json=json)
