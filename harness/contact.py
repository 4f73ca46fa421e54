"""Reach a host once: one connection, one agent, and everything a command needs to ask of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import fanout
from harness.errors import QuantumError
from harness.host import Host
from harness.links.link import Link
from harness.session import Session

#: How long connecting and the agent's first answer may take, in seconds.
REACH_WITHIN_S = 20.0

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


def reach(host: Host, on_event: Event, *, deadline_s: float = REACH_WITHIN_S) -> Contact:
    """Connect, start the agent and hear its facts. Writes nothing on the host."""
    from harness.session import command

    services, control, root = "systemd", "", "/"
    if host.sandbox:
        from harness.links.local import LocalLink
        from harness.sandbox.host import boot

        sandbox = boot(host)
        services, control, root = "supervisor", str(sandbox.control), str(sandbox.root)
        link: Link = LocalLink(host)
    else:
        from harness.links.ssh import connect

        link = connect(host, deadline_s=deadline_s)
    try:
        process = link.exec(command(become=host.become))
        session = Session(
            process.stdin,
            process.stdout,
            host=host.name,
            explain=process.explain,
            on_event=lambda event: on_event(host, event),
        )
        said = session.hello(
            root=root, services=services, control=control, honour_owners=not host.sandbox
        )
    except BaseException:
        link.close()
        raise
    return Contact(
        host, link, session, said["facts"], said["manifest"], said["transactions"],
        said["unfinished"], said["lock"],
    )  # fmt: skip


@contextlib.contextmanager
def reach_all(hosts: Sequence[Host], on_event: Event) -> Iterator[list[Contact]]:
    """Reach every host at once; any that does not answer ends the command before a change.

    Whatever happens inside, the agents are ended on the way out and their uncommitted work is
    put back before this returns.
    """
    answers = fanout.each(hosts, lambda host: reach(host, on_event))
    contacts = fanout.results(answers)
    try:
        raise_together(fanout.errors(answers))
        yield contacts
    finally:
        fanout.each(contacts, Contact.close)


def raise_together(errors: Sequence[QuantumError]) -> None:
    """Raise one error that tells of all; the worst exit code wins."""
    if not errors:
        return
    if len(errors) == 1:
        raise errors[0]
    worst = max(errors, key=lambda error: error.exit_code)
    cause = "\n  ".join(str(error).replace("\n", "\n  ") for error in errors)
    raise type(worst)(f"{len(errors)} hosts failed:\n  {cause}", action=worst.action)
