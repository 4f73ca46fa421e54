"""Switch trading off: the kill switch in every Redis first, then env files that are shut."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from commands import recording, shutting
from commands.choosing import Chosen
from commands.showing import Display
from commands.stores import ROLE, asked, executors, store_of
from commands.transactions import meta, new_id
from harness import fanout
from harness.contact import Contact, reach
from harness.errors import DONE, FAILED, IN_DOUBT, QuantumError
from harness.host import Host
from streams import kill_switch

STEP = "trading.disable"


@dataclass(slots=True)
class Standing:
    """What could be done on one host; an empty text: it was."""

    host: Host
    contact: Contact | None = None
    switch: str = "not tried"  #: why its own kill switch is not known to be down
    gates: str = "not tried"  #: why its gates are not known to be shut
    shut: str = ""  #: committed, unchanged, ...


def carry_out(chosen: Chosen, display: Display, *, why: str = "") -> dict[str, Any]:
    """Do it on every host that answers, whatever the others do; returns what stands where."""
    hosts = executors(chosen, leaving=True)
    chosen = dataclasses.replace(chosen, hosts=hosts)
    started, transaction = time.time(), new_id()
    words = _order(why)
    with reached(hosts, display) as standing:
        display.stage("setting the kill switch")
        _try(standing, lambda each: throw(each, words))
        safe = {store_of(each.host) for each in standing if not each.switch}
        display.idle()
        for each in standing:
            _tell_switch(each, safe, display)
        display.stage("shutting the gates")
        by = meta(chosen, recording.git_state())
        _try(standing, lambda each: shut(each, transaction, by))
        display.idle()
        for each in standing:
            _tell_gates(each, display)
        may_trade = [s.host.name for s in standing if s.gates and store_of(s.host) not in safe]
        document = {
            "hosts": {each.host.name: _document(each, safe) for each in standing},
            "may_still_trade": may_trade,
            "transaction": transaction,
        }
        entry = recording.write(
            chosen, "trading", "in_doubt" if may_trade else "disabled",
            [each.contact for each in standing if each.contact], started=started,
            ended=time.time(), git=by["git"],
            details={**document, "by": getpass.getuser(), "why": why},
        )  # fmt: skip
    if may_trade:
        display.say(f"MAY STILL TRADE: {', '.join(may_trade)}", "bold red")
    display.record(chosen.inventory.records / entry.id)
    whole = all(not each.gates and store_of(each.host) in safe for each in standing)
    code = IN_DOUBT if may_trade else DONE if whole else FAILED
    return {**document, "record": entry.id, "exit_code": code}


@contextlib.contextmanager
def reached(hosts: Sequence[Host], display: Display) -> Iterator[list[Standing]]:
    """Yield all hosts, with a contact where one answers."""
    display.stage("reaching the hosts")
    answers = fanout.each(hosts, lambda host: reach(host, display))
    standing = [
        Standing(a.item, a.result, *([str(a.error)] * 2 if a.error else [])) for a in answers
    ]
    try:
        yield standing
    finally:
        fanout.each([each.contact for each in standing if each.contact], Contact.close)


def keep_shut(chosen: Chosen, contacts: Sequence[Contact], display: Display) -> list[str]:
    """Set the kill switch before a rollback, since what it restores may have traded.

    Returns the hosts where that is not sure. It stops no rollback: Redis itself may be what has to
    be put back.
    """
    doubtful = []
    words = _order("a rollback may restore what has traded")
    for contact in contacts:
        if (
            ROLE not in (*contact.host.roles, *contact.host.absent)
            or chosen.inventory.mode == "sandbox"
        ):
            continue
        try:
            asked(contact, lambda client: kill_switch.hold(client, words), STEP, changes=True)
        except QuantumError as error:
            doubtful.append(contact.host.name)
            display.say(f"MAY TRADE AGAIN after the rollback: {error}", "bold red")
        else:
            display.say(f"{contact.host.name}  kill switch set; trading.enable removes it", "cyan")
    return doubtful


def throw(standing: Standing, words: str) -> None:
    """Set the kill switch in a host's Redis."""
    assert standing.contact is not None
    try:
        down = asked(
            standing.contact, lambda client: kill_switch.throw(client, words), STEP, changes=True
        )
        standing.switch = "" if down else "it was taken away again"
    except QuantumError as error:
        standing.switch = str(error)


def shut(standing: Standing, transaction: str, by: dict[str, Any]) -> None:
    """Shut a host's gates, although its Redis may not answer."""
    assert standing.contact is not None
    try:
        standing.shut = shutting.shut(standing.contact, transaction, by)
        standing.gates = ""
    except QuantumError as error:
        standing.gates = str(error)


def _order(why: str) -> str:
    """Return what the kill switch is to say: who set it, when and why."""
    return kill_switch.order(getpass.getuser(), datetime.now(UTC).isoformat("T", "seconds"), why)


def _try(standing: Sequence[Standing], work: Callable[[Standing], None]) -> None:
    fanout.each([each for each in standing if each.contact], work)


def _tell_switch(standing: Standing, safe: set[tuple[str, int, int]], display: Display) -> None:
    name = standing.host.name
    if not standing.switch:
        display.say(f"{name}  kill switch set: nothing that adds exposure leaves it", "green")
    elif store_of(standing.host) in safe:
        display.say(f"{name}  kill switch set by another host: {standing.switch}", "yellow")
    else:
        display.say(f"{name}  KILL SWITCH NOT SET: {standing.switch}", "bold red")


def _tell_gates(standing: Standing, display: Display) -> None:
    name = standing.host.name
    if standing.gates:
        display.say(f"{name}  gates not shut: {standing.gates}", "bold red")
    else:
        display.say(f"{name}  gates shut: {standing.shut}", "green")


def _document(standing: Standing, safe: set[tuple[str, int, int]]) -> dict[str, str]:
    is_safe = store_of(standing.host) in safe
    return {
        "kill_switch": "set" if is_safe else standing.switch,
        "gates": f"shut ({standing.shut})" if not standing.gates else standing.gates,
    }
