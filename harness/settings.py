"""Read a role's variables from a host: defaults filled in, types checked, errors that name them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import NoReturn

from harness.errors import ConfigurationError
from harness.host import Host
from harness.masking import Secret

LOOPBACK_NAMES = frozenset({"localhost"})


def settings(host: Host, defaults: Mapping[str, object]) -> dict[str, object]:
    """Return the host's values of these variables, or their defaults, of the defaults' types.

    A default of None says no type. Raises ConfigurationError that names host and variable.
    """
    found: dict[str, object] = {}
    for name, default in defaults.items():
        value = host.values.get(name, default)
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if default is not None and type(value) is not type(default):
            refuse(host, name, f"must be {_KINDS[type(default)]}, like {default!r}")
        if isinstance(value, str) and not value.isprintable():
            refuse(host, name, "holds a control character")
        found[name] = value
    return found


def secret(host: Host, name: str) -> Secret:
    """Return a secret that the role cannot do without. Raises ConfigurationError."""
    value = host.values.get(name)
    if not isinstance(value, Secret):
        refuse(host, name, "is missing", f"{name}: env:NAME, file:PATH or command:PROGRAM")
    return value


def at_least(host: Host, name: str, value: object, least: float) -> None:
    """Refuse a number below `least`."""
    if isinstance(value, int | float) and value < least:
        refuse(host, name, f"must be {least:g} or more")


def matches(host: Host, name: str, value: object, pattern: str, meaning: str) -> None:
    """Refuse a text of another shape."""
    if not re.fullmatch(pattern, str(value)):
        refuse(host, name, f"must be {meaning}")


def address(host: Host, name: str) -> str:
    """Return the address in this variable, empty for this machine itself.

    A unit's firewall takes addresses and no names; raises ConfigurationError for another name.
    """
    text = host.text(name, "localhost")
    if text in LOOPBACK_NAMES:
        return ""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        refuse(host, name, f"must be an IP address or localhost: {text!r} is neither")
    return "" if found.is_loopback else str(found)


def refuse(host: Host, name: str, cause: str, action: str = "") -> NoReturn:
    """Raise the ConfigurationError for one variable of one host."""
    raise ConfigurationError(
        f"{name} {cause}",
        host=host.name,
        step="roles",
        action=action or f"set {name} in inventory {host.inventory}",
    )


_KINDS: Mapping[type, str] = {
    int: "a whole number", float: "a number", str: "text", bool: "true or false",
}  # fmt: skip
