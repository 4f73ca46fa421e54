"""Show what consumers have logged on the hosts: the past merged by time, then as it comes."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from commands.choosing import Chosen
from commands.recording import secrets_of
from commands.running import say_error
from commands.services_of import concerned
from commands.showing import Display
from harness import fanout
from harness.contact import Contact, raise_together, reach_all
from harness.errors import DONE, FAILED, ConfigurationError, QuantumError
from harness.host import Host

LINES_MOST = 100_000
#: How often one looks whether any host is left to follow, in seconds.
LOOK_EVERY_S = 0.2
COLOURS = {"error": "red", "critical": "red", "warning": "yellow", "debug": "dim"}
#: What stands in a line's own place, and not among its other words.
_PLACED = ("event", "level", "timestamp", "service", "consumer")


def show(chosen: Chosen, only: str, *, lines: int, since: str, follow: bool, as_json: bool) -> int:
    """Print the lines; returns the exit code. Ctrl-C ends --follow in order."""
    if not 0 <= lines <= LINES_MOST:
        raise ConfigurationError(
            f"--lines must be a number from 0 to {LINES_MOST}", step="logs",
            action="invoke consumers.logs --lines 50",
        )  # fmt: skip
    units = concerned(chosen, only)
    hosts = [host for host in chosen.hosts if host.name in units]
    with Display(quiet=as_json) as display:
        printing = Printing(chosen, display, as_json=as_json)
        past: list[tuple[int, int, str, Mapping[str, Any]]] = []
        keeping = threading.Lock()

        def hear(host: Host, event: Mapping[str, Any]) -> None:
            if event.get("event") != "log":
                display(host, event)
            elif follow:  # as it comes: nothing can be put in order that is not there yet
                printing.line(host.name, event)
            else:
                with keeping:
                    past.append((int(event["at_us"]), len(past), host.name, event))

        def ask(contact: Contact) -> None:
            names = list(units[contact.host.name])
            contact.session.logs(names, lines=lines, since=since, follow=follow)

        with reach_all(hosts, hear) as contacts:
            display.idle()
            if follow:
                return _until_interrupted(contacts, ask)
            raise_together(fanout.errors(fanout.each(contacts, ask)))
        for _, _, name, event in sorted(past, key=lambda each: each[:2]):
            printing.line(name, event)
    return DONE


def _until_interrupted(contacts: list[Contact], ask: Callable[[Contact], None]) -> int:
    """Follow every host until Ctrl-C, or until none is left; FAILED where one was lost meanwhile.

    The threads are nobody's to wait for: closing the contacts ends what they listen to.
    """
    over, lost = threading.Event(), threading.Event()

    def one(contact: Contact) -> None:
        try:
            ask(contact)
        except QuantumError as error:
            if not over.is_set():
                lost.set()
                say_error(error)

    threads = [threading.Thread(target=one, args=[each], daemon=True) for each in contacts]
    for each in threads:
        each.start()
    with contextlib.suppress(KeyboardInterrupt):
        while any(each.is_alive() for each in threads):
            over.wait(LOOK_EVERY_S)
    over.set()
    return FAILED if lost.is_set() else DONE


class Printing:
    """Prints lines of several hosts from several threads, secrets masked."""

    def __init__(self, chosen: Chosen, display: Display, *, as_json: bool) -> None:
        self._secrets = [each.reveal_text() for each in secrets_of(chosen) if each]
        self._display, self._as_json = display, as_json
        self._lock = threading.Lock()

    def line(self, host: str, event: Mapping[str, Any]) -> None:
        """Print one line."""
        text = str(event["text"])
        for secret in self._secrets:
            text = text.replace(secret, "********")
        service = str(event["unit"]).removeprefix("quantum-").removesuffix(".service")
        if self._as_json:
            said = {"host": host, "unit": event["unit"], "at_us": event["at_us"], "text": text}
            with self._lock:
                sys.stdout.write(json.dumps(said) + "\n")
                sys.stdout.flush()
            return
        words, colour = readable(text)
        at = _clock(int(event["at_us"]))
        self._display.say(f"{at}{host}  {service}  {words}", colour)


def readable(text: str) -> tuple[str, str]:
    """Return a line as a person reads it, and its colour. Pure.

    A line of structlog's JSON becomes its event and its other words; any other stays as it is.
    """
    try:
        said = json.loads(text)
    except ValueError:
        return text, ""
    if not isinstance(said, dict) or "event" not in said:
        return text, ""
    level = str(said.get("level", ""))
    words = [f"{name}={_short(value)}" for name, value in said.items() if name not in _PLACED]
    return f"{level:<8}{said['event']}  {' '.join(words)}".rstrip(), COLOURS.get(level, "")


def _short(value: object) -> str:
    return value if isinstance(value, str) and value and " " not in value else json.dumps(value)


def _clock(at_us: int) -> str:
    if not at_us:
        return ""
    return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%H:%M:%S.%f}"[:-3] + "  "
