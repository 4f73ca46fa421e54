"""Consumers in tests log in to Redis as they do where `redis_acl` is true: with their rights alone.

Whatever a consumer is made to do anywhere in these tests it does under the very rules that its
role renders, on every kind of server.
"""

from functools import cache

import roles
from harness.host import Host
from roles import redis_logins, redis_users
from roles.stream_consumer import StreamConsumer

#: Where a settings class or a program is found -> the role whose user it is.
ROLES = {
    "consumers.decision_intelligence": "decision_intelligence",
    "consumers.analytics.settings": "decision_intelligence",
    "consumers.strategy_router": "strategy_router",
    "consumers.execution": "execution",
    "consumers.trading.settings": "execution",
}


@cache
def lines():
    """Return a server's `user` lines, one for each service; nobody's default stays as it is."""
    users = redis_logins.users(Host("box", "tests", "sandbox", ()))
    return [
        f"user {name} on >{password(name)} {redis_users.rules(grants)}"
        for name, grants in users.items()
    ]


def login(module, given=()):
    """Return the settings by which a module of consumers/ logs in.

    Nobody's user where a test gives it streams or a password of its own.
    """
    own = [name for name in given if name.startswith(("STREAM_", "GROUP_", "REDIS_"))]
    if module not in ROLES or own or "CREDENTIALS_DIRECTORY" in given:
        return {}
    role = roles.REGISTRY[ROLES[module]]
    assert isinstance(role, StreamConsumer)
    return {"REDIS_USERNAME": role.service, "REDIS_PASSWORD": password(role.service)}


def password(service):
    return f"of-{service}"
