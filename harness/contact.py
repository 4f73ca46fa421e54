"""Reach a host once: one connection, one agent, and everything a command needs to ask of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import fanout
from harness.errors import QuantumError, UnreachableError
from harness.host import Host
from harness.links.link import Link
from harness.session import Session

#: How long connecting and the agent's first answer may take, in seconds; a host that is slower by
#: nature says so in the inventory as reach_within_s.
REACH_WITHIN_S = 30

Event = Callable[[Host, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Contact:
    """A host that answers: the link for Redis, the session for the agent, its first words."""

    host: Host
    link: Link
    session: Session
    facts: Mapping[str, Any]
    manifest: Mapping[str, Mapping[str, Any]]
    transactions: Sequence[Mapping[str, Any]]
    unfinished: Sequence[str]
    lock: Mapping[str, Any] | None  #: who deploys here right now

    def close(self) -> None:
        """End the agent (an uncommitted transaction is put back by it) and the connection."""
        self.session.close()
        self.link.close()


@dataclass(frozen=True, slots=True)
class Reached:
    """The hosts that answer, and why each of the others does not, by name."""

    contacts: list[Contact]
    failures: Mapping[str, QuantumError]


def reach_within_s(host: Host) -> float:
    """Return the deadline by which a host must have answered, in seconds."""
    return host.number("reach_within_s", REACH_WITHIN_S)


def reach(host: Host, on_event: Event) -> Contact:
    """Connect, start the agent and hear its facts. Writes nothing on the host.

    One deadline holds for all of it, login, start and first answer; only booting a sandbox, which
    is no connecting, has its own.
    """
    from harness.bootstrap import command

    within_s = reach_within_s(host)
    services, control, root = "systemd", "", "/"
    if host.sandbox:
        from harness.links.local import LocalLink
        from harness.sandbox.host import boot

        sandbox = boot(host)
        services, control, root = "supervisor", str(sandbox.control), str(sandbox.root)
        until = time.monotonic() + within_s
        link: Link = LocalLink(host)
    else:
        from harness.links.ssh import connect

        until = time.monotonic() + within_s
        link = connect(host, deadline_s=within_s)
    try:
        words = command(become=host.become)
        process = link.exec(words, deadline_s=max(0.0, until - time.monotonic()))
        session = Session(
            process.stdin,
            process.stdout,
            host=host.name,
            explain=process.explain,
            on_event=lambda event: on_event(host, event),
        )
        said = session.hello(
            root=root, services=services, control=control, honour_owners=not host.sandbox,
            deadline_s=max(0.0, until - time.monotonic()),
        )  # fmt: skip
    except BaseException as error:
        link.close()
        if isinstance(error, UnreachableError) and time.monotonic() >= until:
            raise _too_slow(host, within_s) from error
        raise
    return Contact(
        host, link, session, said["facts"], said["manifest"], said["transactions"],
        said["unfinished"], said["lock"],
    )  # fmt: skip


def _too_slow(host: Host, within_s: float) -> UnreachableError:
    return UnreachableError(
        f"it lets us in, and the agent has not answered after {within_s:.0f} s",
        host=host.name, step="starting the agent",
        action="look what keeps the host busy, or give it more by reach_within_s in the inventory",
    )  # fmt: skip


@contextlib.contextmanager
def reach_some(
    hosts: Sequence[Host], on_event: Event, meanwhile: Callable[[], None] | None = None
) -> Iterator[Reached]:
    """Reach every host at once, and tell who does not answer.

    `meanwhile` runs while they let us in; see fanout.each.

    Whatever happens inside, the agents are ended on the way out and their uncommitted work is
    put back before this returns.
    """
    if not all(host.sandbox for host in hosts):
        import harness.links.ssh  # noqa: F401  here, or all threads wait for one of them to load it
    answers = fanout.each(hosts, lambda host: reach(host, on_event), meanwhile)
    failures = {each.item.name: each.error for each in answers if each.error}
    contacts = fanout.results(answers)
    try:
        yield Reached(contacts, failures)
    finally:
        fanout.each(contacts, Contact.close)


@contextlib.contextmanager
def reach_all(
    hosts: Sequence[Host], on_event: Event, meanwhile: Callable[[], None] | None = None
) -> Iterator[list[Contact]]:
    """Reach every host at once; any that does not answer ends the command before a change."""
    with reach_some(hosts, on_event, meanwhile) as reached:
        raise_together(list(reached.failures.values()))
        yield reached.contacts


def raise_together(errors: Sequence[QuantumError]) -> None:
    """Raise one error that tells of all; the worst exit code wins."""
    if not errors:
        return
    if len(errors) == 1:
        raise errors[0]
    worst = max(errors, key=lambda error: error.exit_code)
    cause = "\n  ".join(str(error).replace("\n", "\n  ") for error in errors)
    raise type(worst)(f"{len(errors)} hosts failed:\n  {cause}", action=worst.action)
