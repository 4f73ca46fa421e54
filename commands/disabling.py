"""Switch trading off: the kill switch in every Redis first, then env files that are shut."""

from __future__ import annotations

import dataclasses
import getpass
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import redis

from commands import deploy, recording
from commands.choosing import Chosen
from commands.showing import Display
from commands.stores import ROLE, asked, executors, store_of
from harness import fanout
from harness.contact import Contact, reach
from harness.errors import DONE, FAILED, IN_DOUBT, QuantumError
from harness.host import Host
from streams import intents

STEP = "trading.disable"


def carry_out(chosen: Chosen, display: Display, *, why: str = "") -> dict[str, Any]:
    """Do it on every host that answers, whatever the others do; returns what stands where."""
    hosts = executors(chosen)
    chosen = dataclasses.replace(chosen, hosts=hosts)
    started = time.time()
    order = _order(why)
    display.stage("setting the kill switch")
    answers = fanout.each(hosts, lambda host: throw(host, order, display))
    stopped = {store_of(answer.item) for answer in answers if answer.error is None}
    trading_on = [host.name for host in hosts if store_of(host) not in stopped]
    display.idle()
    for answer in answers:
        if answer.error is None:
            display.say(f"{answer.item.name}  kill switch set: no new order leaves it", "green")
        elif store_of(answer.item) in stopped:
            display.say(
                f"{answer.item.name}  not reached, its kill switch set by another", "yellow"
            )
        else:
            display.say(f"{answer.item.name}  MAY STILL TRADE: {answer.error}", "bold red")

    shut, cause = _deploy_shut(chosen, display)
    document = {
        "hosts": {
            answer.item.name: "stopped" if store_of(answer.item) in stopped else str(answer.error)
            for answer in answers
        },
        "may_still_trade": trading_on,
        "deploy": shut,
        "cause": cause,
    }
    entry = recording.write(
        chosen, "trading", "disabled" if not trading_on else "in_doubt", [],
        started=started, ended=time.time(), git=recording.git_state(),
        details={**document, "by": getpass.getuser(), "why": why},
    )  # fmt: skip
    if cause and not trading_on:
        display.say(f"the kill switch holds; the shut deploy did not go through: {cause}", "yellow")
    display.record(chosen.inventory.records / entry.id)
    code = IN_DOUBT if trading_on else FAILED if cause else DONE
    return {**document, "record": entry.id, "exit_code": code}


def keep_shut(chosen: Chosen, contacts: Sequence[Contact], display: Display) -> list[str]:
    """Set the kill switch before a rollback, since what it restores may have traded.

    Returns the hosts where that is not sure. It stops no rollback: Redis itself may be what has to
    be put back.
    """
    doubtful = []
    order = _order("a rollback may restore what has traded")
    for contact in contacts:
        if ROLE not in contact.host.roles or chosen.inventory.mode == "sandbox":
            continue
        try:
            asked(
                contact, lambda client: client.set(intents.KILL_SWITCH, order, nx=True), STEP,
                changes=True,
            )  # fmt: skip
        except QuantumError as error:
            doubtful.append(contact.host.name)
            display.say(f"MAY TRADE AGAIN after the rollback: {error}", "bold red")
        else:
            display.say(f"{contact.host.name}  kill switch set; trading.enable removes it", "cyan")
    return doubtful


def _order(why: str) -> str:
    """Return what the kill switch holds: who set it, when and why."""
    when = datetime.now(UTC).isoformat("T", "seconds")
    return json.dumps({"who": getpass.getuser(), "why": why, "when": when})


def throw(host: Host, order: str, display: Display) -> None:
    """Set the kill switch in a host's Redis. Raises QuantumError where that is not sure."""
    contact = reach(host, display)
    try:

        def write(client: redis.Redis) -> bool:
            client.set(intents.KILL_SWITCH, order)
            return bool(client.exists(intents.KILL_SWITCH))

        asked(contact, write, STEP, changes=True)
    finally:
        contact.close()


def _deploy_shut(chosen: Chosen, display: Display) -> tuple[str, str]:
    """Deploy what a plain deploy would, whatever was changed by hand; return its state and why."""
    try:
        outcome = deploy.carry_out(chosen, display, yes=True, overwrite_drift=True)
    except QuantumError as error:
        return "failed", str(error)
    cause = "" if outcome.exit_code == DONE else "; ".join(outcome.reasons) or outcome.state
    return outcome.state, cause
