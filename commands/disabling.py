"""Switch trading off: the kill switch in every Redis first, then env files that are shut."""

from __future__ import annotations

import dataclasses
import getpass
import json
import time
from datetime import UTC, datetime
from typing import Any

import redis

from commands import deploy, recording
from commands.choosing import Chosen
from commands.showing import Display
from commands.stores import asked, executors, store_of
from harness import fanout
from harness.contact import reach
from harness.errors import DONE, FAILED, IN_DOUBT, QuantumError
from harness.host import Host
from streams import intents

STEP = "trading.disable"


def carry_out(chosen: Chosen, display: Display, *, why: str = "") -> dict[str, Any]:
    """Do it on every host that answers, whatever the others do; returns what stands where."""
    hosts = executors(chosen)
    chosen = dataclasses.replace(chosen, hosts=hosts)
    started = time.time()
    order = json.dumps(
        {"who": getpass.getuser(), "why": why, "when": datetime.now(UTC).isoformat("T", "seconds")}
    )
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
