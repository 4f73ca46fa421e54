"""Start, stop or restart the consumers of the hosts, and record who did it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from commands import recording
from commands.choosing import Chosen
from commands.services_of import concerned
from commands.showing import Display
from commands.transactions import meta
from harness import fanout
from harness.contact import Contact, raise_together, reach_some
from harness.errors import DONE, FAILED

#: How long a unit may take until READY, in seconds: as deploy waits unless the inventory says more.
READY_WITHIN_S = 60
#: What a unit must be afterwards.
WANTED = {"start": "active", "restart": "active", "stop": "inactive"}


def carry_out(chosen: Chosen, verb: str, only: str, display: Display) -> dict[str, Any]:
    """Do it on every host that answers, at once; returns each unit's state before and after.

    Raises one error of all hosts that do not, after the others are done and recorded.
    """
    units = concerned(chosen, only)
    hosts = [host for host in chosen.hosts if host.name in units]
    started = time.time()
    with reach_some(hosts, display) as reached:
        contacts, lost = reached.contacts, list(reached.failures.values())
        if not contacts:
            raise_together(lost)
        many = sum(len(units[each.host.name]) for each in contacts)
        display.stage(f"{verb}: {many} units on {len(contacts)} hosts")
        by = meta(chosen, recording.git_state())

        def one(contact: Contact) -> dict[str, Any]:
            wait_s = contact.host.number("ready_within_s", READY_WITHIN_S)
            names = list(units[contact.host.name])
            return contact.session.operate(verb, names, meta=by, wait_s=wait_s)

        answers = fanout.each(contacts, one)
        done = {answer.item.host.name: answer.result for answer in answers if answer.result}
        found = {name: _told(verb, said) for name, said in done.items()}
        display.idle()
        for name, states in found.items():
            for unit, state in states.items():
                display.say(
                    f"{name}  {unit}  {state['before']} -> {state['after']}"
                    + (f": {state['cause']}" if state["cause"] else ""),
                    "green" if state["as_wanted"] else "red",
                )
        well = all(state["as_wanted"] for states in found.values() for state in states.values())
        errors = lost + fanout.errors(answers)
        outcome = "done" if well and not errors else "failed"
        entry = recording.write(
            chosen, "operation", outcome, [answer.item for answer in answers if answer.result],
            started=started, ended=time.time(), git=by["git"],
            details={"verb": verb, "units": found, "errors": [str(error) for error in errors]},
        )  # fmt: skip
        display.record(chosen.inventory.records / entry.id)
        raise_together(errors)
    return {
        "verb": verb,
        "hosts": found,
        "record": entry.id,
        "exit_code": DONE if outcome == "done" else FAILED,
    }


def _told(verb: str, said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each unit's state in words; a cause only where a unit is not as wanted."""
    states = {}
    for unit, after in said["after"].items():
        as_wanted = after["active"] == WANTED[verb] or (
            verb == "stop" and after["active"] == "failed"
        )
        states[unit] = {
            "before": said["before"][unit]["active"],
            "after": after["active"],
            "as_wanted": as_wanted,
            "cause": "" if as_wanted else str(said["cause"] or after.get("result") or ""),
        }
    return states
