"""What the demo needs on stage: a host of its own, a changed setting, a broken release."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands.choosing import Chosen, choose
from commands.showing import Display
from commands.wanting import PROJECT
from harness import fanout
from harness.contact import Contact, raise_together, reach_all

#: Put at the end of the consumer's reading: it waits where it would read new entries.
SABOTAGE_FILE = "consumers/loop/reading.py"
SABOTAGE = """

def _nothing(*_: object) -> list[Entry]:
    __import__("time").sleep(0.1)
    return []


Reader.next = _nothing
"""


class StoryError(Exception):
    """A scene came out otherwise than it must."""


@contextlib.contextmanager
def staged(context: Any, name: str, display: Display) -> Iterator[Chosen]:
    """Yield the hosts to play on, and leave them as they were found, also after Ctrl-C.

    The sandbox gets a root and a port of its own, so that nobody's sandbox is touched; on other
    hosts every deploy of the demo is undone at the end.
    """
    from roles.execution import LIFTED

    chosen = with_values(choose(context, name, ""), **LIFTED)
    if chosen.inventory.mode != "sandbox":
        raise StoryError("the demo breaks things on purpose: it runs where mode is sandbox only")
    if all(host.sandbox for host in chosen.hosts):
        with tempfile.TemporaryDirectory(prefix="quantum-demo-") as folder:
            chosen = with_own_sandbox(chosen, Path(folder))
            try:
                yield chosen
            finally:
                take_down(chosen, display)
        return
    with reach_all(chosen.hosts, display) as contacts:
        before = {contact.host.name: committed(contact) for contact in contacts}
    try:
        yield chosen
    finally:
        put_back(chosen, before, display)


def with_own_sandbox(chosen: Chosen, folder: Path) -> Chosen:
    """Return the same hosts in another directory and on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hosts = tuple(
        replace(host, sandbox=folder / host.name, values={**host.values, "redis_port": port})
        for host in chosen.hosts
    )
    return Chosen(chosen.inventory, hosts)


def take_down(chosen: Chosen, display: Display) -> None:
    """Stop everything that runs in the sandbox."""
    from harness.sandbox.host import shut_down

    display.stage("taking the demo's sandbox down")
    for host in chosen.hosts:
        shut_down(host)
    display.idle()


def put_back(chosen: Chosen, before: Mapping[str, list[str]], display: Display) -> None:
    """Undo every deploy that the demo has left committed."""
    display.stage("undoing the demo's deploys")

    with reach_all(chosen.hosts, display) as contacts:
        ours = {
            contact.host.name: set(committed(contact)) - set(before[contact.host.name])
            for contact in contacts
        }
        told = [each for contact in contacts for each in contact.transactions]
        began = {str(each["id"]): each["at_s"] for each in told}
        # one deploy after the other on all its hosts: an earlier one brought what the others need
        for identity in sorted(set().union(*ours.values()), key=began.__getitem__, reverse=True):
            hosts = [contact for contact in contacts if identity in ours[contact.host.name]]
            back = fanout.each(hosts, lambda each: each.session.rollback(identity))  # noqa: B023
            raise_together(fanout.errors(back))
    display.idle()
    display.say("the hosts are as the demo found them", "green")


def committed(contact: Contact) -> list[str]:
    """Return the ids of the host's committed deploys, oldest first."""
    return [str(each["id"]) for each in contact.transactions if each["state"] == "committed"]


def with_values(chosen: Chosen, **values: object) -> Chosen:
    """Return the same hosts with some inventory variables changed."""
    hosts = tuple(replace(host, values={**host.values, **values}) for host in chosen.hosts)
    return Chosen(chosen.inventory, hosts)


def fingerprint(chosen: Chosen, display: Display) -> dict[str, Any]:
    """Return the state of every managed path on every host, mtime included."""

    def one(contact: Contact) -> Any:
        said = contact.session.observe(
            paths=dict.fromkeys(contact.manifest), secret=list(contact.manifest)
        )
        return said["paths"]

    with reach_all(chosen.hosts, display) as contacts:
        answers = fanout.each(contacts, one)
        raise_together(fanout.errors(answers))
        return {answer.item.host.name: answer.result for answer in answers}


@contextlib.contextmanager
def broken_release() -> Iterator[Path]:
    """Yield sources whose consumer gets ready and feeds its watchdog, but reads nothing."""
    with tempfile.TemporaryDirectory(prefix="quantum-broken-") as folder:
        for name in ("streams", "consumers"):
            shutil.copytree(PROJECT / name, Path(folder) / name)
        with (Path(folder) / SABOTAGE_FILE).open("a") as victim:
            victim.write(SABOTAGE)
        yield Path(folder)
