"""What a variable of the inventory may be called and hold, before a host is made of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from harness.inventory.secret_references import SHAPES, is_secret, parse
from harness.inventory.structure import Variables
from harness.inventory.yaml_reading import Located, described
from harness.suggestions import closest, did_you_mean

MODES = ("sandbox", "testnet", "live")
#: The program's own variables: about the host or the inventory, whatever its roles.
OWN = frozenset(
    {
        "mode",
        "roles",
        "absent",
        "known_hosts",
        "sandbox_root",
        "records",
        "reach_within_s",
        "ready_within_s",
        "gate_within_s",
        "confirm_within_s",
        "keep_transactions",
        "keep_days",
        "not_enforced",
        "custom",
    }
)
#: Ansible's variables that mean something here.
HONOURED = frozenset(
    {
        "ansible_host", "ansible_port", "ansible_user", "ansible_ssh_private_key_file",
        "ansible_become", "ansible_connection", "ansible_group_priority",
    }
)  # fmt: skip
#: Ansible's older and shorter spellings of them.
ALIASES = {
    "ansible_ssh_host": "ansible_host",
    "ansible_ssh_port": "ansible_port",
    "ansible_ssh_user": "ansible_user",
    "ansible_private_key_file": "ansible_ssh_private_key_file",
    "ansible_sudo": "ansible_become",
}
#: Ansible's own that are ignored here and are close to an honoured one without being a slip.
_FOREIGN = frozenset({"ansible_become_user", "ansible_become_exe", "ansible_hostname"})
#: A name under `ansible_` this like an honoured one is taken for a slip.
_SLIP = 0.86
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SSH = frozenset({"ssh", "smart", "paramiko", "paramiko_ssh"})
MOST_PORT = 65_535


def understand(variables: Variables, known: frozenset[str] | None) -> tuple[Variables, list[str]]:
    """Return the variables under the names used here, and the names of the ignored ones.

    `known` are the variables that roles understand; None takes any. Raises InventoryError.
    """
    kept: Variables = {}
    ignored: list[str] = []
    for name, value in variables.items():
        meant = ALIASES.get(name, name)
        if meant.startswith("ansible_") and meant not in HONOURED:
            _refuse_slip(name, value)
            ignored.append(name)
        elif meant == name or meant not in variables:
            _check_known(meant, value, known)
            kept[meant] = value
            (_CHECKS.get(meant) or (_secret if is_secret(meant) else _plain))(value)
    return kept, ignored


def _refuse_slip(name: str, value: Located) -> None:
    guess = closest(name, HONOURED, _SLIP)
    if guess and name not in _FOREIGN:
        raise value.wrong(f'Ansible has no "{name}"; did you mean "{guess}"?')


def _check_known(name: str, value: Located, known: frozenset[str] | None) -> None:
    if not _NAME.fullmatch(name):
        raise value.wrong(f'"{name}" is no name for a variable')
    if known is None or name in known | OWN | HONOURED:
        return
    raise value.wrong(
        f'no role understands "{name}"' + did_you_mean(name, known | OWN | HONOURED),
        "correct the name, or put a variable of your own below custom:",
    )


def _secret(value: Located) -> None:
    if not isinstance(value.value, str) or parse(value.value) is None:
        raise value.wrong("a secret does not stand in an inventory", f"refer to it: {SHAPES}")


def _plain(value: Located) -> None:
    """Refuse what would be taken literally although it was not meant so."""
    for each in _leaves(value):
        if isinstance(each.value, str) and ("{{" in each.value or "{%" in each.value):
            raise each.wrong("templates are not filled in here", "write the value itself")
        if isinstance(each.value, str) and parse(each.value):
            raise each.wrong("only variables that hold a secret may refer to one")
    if isinstance(value.value, dict):
        raise value.wrong("this variable holds no mapping", "put one of your own below custom:")


def _custom(value: Located) -> None:
    for name, each in value.mapping("custom").items():
        if is_secret(name):
            raise each.wrong("no secret below custom:, no role reads it")


def _leaves(value: Located) -> Iterable[Located]:
    if isinstance(value.value, list):
        for each in value.value:
            yield from _leaves(each)
    elif isinstance(value.value, dict):
        for each in value.value.values():
            yield from _leaves(each)
    else:
        yield value


def _text(value: Located) -> None:
    _plain(value)
    if not isinstance(value.value, str) or not value.value.strip():
        raise value.wrong(f"this must be text, it is {described(value.value)}")


def _port(value: Located) -> None:
    number = value.value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= MOST_PORT:
        raise value.wrong(f"{number!r} is no port: a number from 1 to {MOST_PORT}")


def _switch(value: Located) -> None:
    if not isinstance(value.value, bool):
        raise value.wrong(f"this must be true or false, it is {described(value.value)}")


def _seconds(value: Located) -> None:
    number = value.value
    if isinstance(number, bool) or not isinstance(number, int | float) or not number > 0:
        raise value.wrong("this must be a number of seconds above 0")


def _days(value: Located) -> None:
    number = value.value
    if isinstance(number, bool) or not isinstance(number, int | float) or not number >= 0:
        raise value.wrong("this must be a number of days, 0 or more")


def _count(value: Located) -> None:
    number = value.value
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise value.wrong("this must be a whole number above 0")


def _mode(value: Located) -> None:
    if value.value not in MODES:
        word = value.value if isinstance(value.value, str) else ""
        raise value.wrong(
            f"{value.value!r} is no mode" + did_you_mean(word, MODES),
            f"mode is one of {', '.join(MODES)}",
        )


def _names(value: Located) -> None:
    if not isinstance(value.value, list):
        name = value.path.rpartition(".")[2]
        raise value.wrong(f"{name} is a list, this is {described(value.value)}", f"{name}: [name]")
    for each in value.value:
        _text(each)


def _connection(value: Located) -> None:
    if value.value != "local" and value.value not in _SSH:
        raise value.wrong(f"{value.value!r} is no connection here: ssh or local")


_CHECKS: Mapping[str, Callable[[Located], None]] = {
    "mode": _mode,
    "roles": _names,
    "absent": _names,
    "known_hosts": _text,
    "sandbox_root": _text,
    "records": _text,
    "reach_within_s": _seconds,
    "ready_within_s": _seconds,
    "gate_within_s": _seconds,
    "confirm_within_s": _seconds,
    "keep_transactions": _count,
    "keep_days": _days,
    "not_enforced": _names,
    "custom": _custom,
    "ansible_host": _text,
    "ansible_port": _port,
    "ansible_user": _text,
    "ansible_ssh_private_key_file": _text,
    "ansible_become": _switch,
    "ansible_connection": _connection,
    "ansible_group_priority": lambda _value: None,
}
