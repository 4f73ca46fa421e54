"""Set the scene for proofs: a host's agent, and its Redis through the same connection."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

import redis

from harness.contact import Contact
from harness.host import Host
from harness.links.redis_link import redis_through
from harness.masking import Secret
from proofs.attesting import attest
from proofs.scene import Flow, Scene
from roles import Role

#: How long a proof waits for what must happen, in seconds; a gate is quicker to refuse.
PROOF_WITHIN_S = 60


@contextlib.contextmanager
def open_redis(contact: Contact) -> Iterator[redis.Redis]:
    """Yield a client of the Redis that the host's services use, reached through the host."""
    host = contact.host
    password = host.values.get("redis_password")
    client = redis_through(
        contact.link,
        host.text("redis_host", "localhost"),
        host.number("redis_port", 6379),
        db=host.number("redis_db", 0),
        username=host.text("redis_username"),
        password=password if isinstance(password, Secret) else Secret(""),
    )
    try:
        yield client
    finally:
        client.close()


@contextlib.contextmanager
def open_scene(
    contact: Contact,
    flow: Flow,
    git: Mapping[str, Any] | None = None,
    *,
    deadline_s: float = PROOF_WITHIN_S,
    about: Collection[str] | None = None,
) -> Iterator[Scene]:
    """Yield what a proof may look at: one host, and one service's place on its stream.

    `about` says which deployed paths the host's own claims are about; None: all of them.
    """
    testimony = partial(attest, contact.session, about)
    with open_redis(contact) as client:
        yield Scene(
            contact.host, testimony, client, git or {}, deadline_s,
            flow=flow, session=contact.session,
        )  # fmt: skip


def flow_of(role: Role, host: Host) -> Flow:
    """Return which stream the role's service reads on a host; an empty one where it reads none."""
    if not role.READS:
        return Flow()
    stream, group = (host.text(name, str(role.VARIABLES[name])) for name in role.READS)
    return Flow(role.SERVICES[0], stream, group)
