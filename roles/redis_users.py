"""Who may do what in Redis: one user per service, with the commands and keys that it needs.

Where `redis_acl` is true a service logs in under its own name, with a password derived from the
inventory's `redis_password`: it knows neither that one nor another service's. The user `default`
keeps that password and every right; it is the operator's, and where `redis_acl` is false
everybody's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.host import Host
from harness.masking import Secret
from harness.settings import refuse, settings

VARIABLE = "redis_acl"
#: What every client asks of the connection itself, none of it about a key. EVAL is here, too: what
#: a script does is held to the grants, command by command, as if it were done without it.
OF_A_CONNECTION = (
    "ping", "info", "time", "select", "multi", "exec", "client|setname", "eval", "evalsha",
)  # fmt: skip
#: How the variables begin that name streams and groups.
NAMED = ("stream_", "group_")
#: What a name may be made of that goes into a pattern: nothing there would be read as more.
_NAME = re.compile(r"[A-Za-z0-9_.:{}/@+=-]+")


@dataclass(frozen=True, slots=True)
class Grant:
    """These commands, on keys of these patterns and on no others."""

    commands: tuple[str, ...]
    keys: tuple[str, ...]


Names = Mapping[str, str]  #: the variables that name streams and groups


def of_every_consumer(stream: str, group: str, status: str) -> tuple[Grant, ...]:
    """Return what consumers.loop needs: to read, take over, give up, live and tell how it stands.

    No consumer adds to the stream that it reads, trims it, or takes it away.
    """
    return (
        Grant(
            ("xreadgroup", "xread", "xack", "xpending", "xclaim", "xrange", "xinfo|stream",
             "xinfo|groups", "xinfo|consumers", "xgroup|create", "xgroup|delconsumer", "exists",
             "type"),
            (stream,),
        ),
        Grant(("type", "hmget", "hset", "hincrby"), (status, f"{status}:*")),
        Grant(("get", "set", "pttl", "exists", "del"), (f"quantum:hb:{group}:*",)),
        Grant(("type", "xadd"), (f"{stream}:dlq",)),
        Grant(
            ("type", "xadd", "xlen", "xrange", "xtrim", "xinfo|groups", "xpending"),
            ("quantum:p35:alerts",),
        ),
        Grant(("type", "get", "set"), ("quantum:p35:alert:quiet:*",)),
    )  # fmt: skip


def wanted(host: Host) -> bool:
    """Tell whether the host's services log in as users of their own. Raises ConfigurationError."""
    return bool(settings(host, {VARIABLE: False})[VARIABLE])


def password_of(password: Secret, service: str) -> Secret:
    """Return the service's own password; it tells nothing of what it was made from."""
    text = f"quantum redis user {service}".encode()
    return Secret(hmac.new(password.reveal(), text, hashlib.sha256).hexdigest())


def lines(password: Secret, users: Mapping[str, Sequence[Grant]]) -> tuple[str, ...]:
    """Return the `user` lines of redis.conf: digests of passwords and no password."""
    return (
        f"user default on {_digest(password)} ~* &* +@all",
        *(
            f"user {name} on {_digest(password_of(password, name))} {rules(grants)}"
            for name, grants in users.items()
        ),
    )


def rules(grants: Sequence[Grant]) -> str:
    """Return a user's rules: the connection's commands, then each grant as a selector."""
    keys = dict.fromkeys(key for grant in grants for key in grant.keys)
    own = " ".join([*(f"+{each}" for each in OF_A_CONNECTION), *(f"~{key}" for key in keys)])
    selectors = (
        f"({' '.join([*(f'+{each}' for each in g.commands), *(f'~{key}' for key in g.keys)])})"
        for g in grants
    )
    return f"{own} {' '.join(selectors)}"


def names_of(host: Host, defaults: Mapping[str, object]) -> dict[str, str]:
    """Return the streams' and groups' names as the host has them. Raises ConfigurationError."""
    texts = {
        name: each for name, each in defaults.items() if name.startswith(("stream_", "group_"))
    }
    found = {name: str(value) for name, value in settings(host, texts).items()}
    for name, value in found.items():
        if value and not _NAME.fullmatch(value):
            refuse(host, name, f"{value!r} cannot stand in a rule of Redis ({VARIABLE} is true)")
    return found


def _digest(password: Secret) -> str:
    return f"#{hashlib.sha256(password.reveal()).hexdigest()}"
