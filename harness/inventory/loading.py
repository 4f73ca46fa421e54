"""Make hosts of an inventory's text: merge, check, refuse. Pure: reads no file but the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.host import Host, Mode
from harness.inventory.secret_references import is_secret, parse
from harness.inventory.structure import ROOT, Structure, Variables, structure
from harness.inventory.variables import HONOURED, MODES, understand
from harness.inventory.yaml_reading import Located, located_error, read
from harness.suggestions import did_you_mean

#: Where the sandbox's host root lies when the inventory names no other.
SANDBOX_ROOT = ".sandbox/root"
#: Lists of roles, which add up over a host's groups: what it has, and what it must not have.
LISTS = ("roles", "absent")
#: Variables that become fields of Host (or of the inventory) and are no values for templates.
FIELDS = HONOURED | {"mode", *LISTS, "known_hosts", "sandbox_root", "records"}


@dataclass(frozen=True, slots=True)
class Source:
    """What a text is loaded as."""

    reference: str  #: what `-i` takes to mean this inventory again
    file: str  #: how messages name the file
    root: Path  #: where relative paths start


@dataclass(frozen=True, slots=True)
class Loaded:
    """The hosts of one inventory, in the order of the file, and what they have in common."""

    hosts: tuple[Host, ...]
    mode: Mode
    records: Path
    ignored: tuple[str, ...]  #: Ansible's variables that mean nothing here


def loads(
    text: str,
    source: Source,
    known: frozenset[str] | None = None,
    roles: frozenset[str] | None = None,
) -> Loaded:
    """Parse an inventory. `known` and `roles` are what roles offer; None takes any name.

    Raises InventoryError with file, line, key path, cause and action.
    """
    tree = read(text, source.file)
    found = structure(tree)
    if not found.hosts:
        raise located_error(
            source.file, 1, f"{ROOT}.hosts", "there is no host in it", "name one below all: hosts:"
        )
    ignored = _check_everywhere(found, known, roles)
    merged = {name: _merge(found, name) for name in found.hosts}
    mode = cast("Mode", _common(merged, "mode", source, required=True))
    records = _common(merged, "records", source)
    return Loaded(
        hosts=tuple(_host(found, name, merged[name], source) for name in found.hosts),
        mode=mode,
        records=_path(records or "records", source),
        ignored=tuple(sorted(ignored)),
    )


def _check_everywhere(
    found: Structure, known: frozenset[str] | None, roles: frozenset[str] | None
) -> set[str]:
    """Check every variable where it is written, also in groups that no host is in."""
    ignored: set[str] = set()
    groups = [group.variables for group in found.groups.values()]
    for variables in (*groups, *found.hosts.values()):
        kept, more = understand(variables, known)
        variables.clear()
        variables.update(kept)
        ignored.update(more)
        for each in LISTS if roles is not None else ():
            for role in cast("list[Located]", kept[each].value if each in kept else []):
                if roles is not None and role.value not in roles:
                    name = str(role.value)
                    raise role.wrong(f'there is no role "{name}"' + did_you_mean(name, roles))
    return ignored


def _merge(found: Structure, host: str) -> Variables:
    """Return a host's variables: its own beat its groups', child groups' beat their parents'.

    Roles add up instead: parents' before children's, and in the order of the file otherwise.
    """
    merged: Variables = {}
    for group in found.ancestry(host):
        merged |= group.variables
    merged |= found.hosts[host]
    order = list(found.groups)
    groups = sorted(found.ancestry(host), key=lambda each: (each.depth, order.index(each.name)))
    layers = [*(group.variables for group in groups), found.hosts[host]]
    for name in LISTS:
        roles: list[Located] = []
        for layer in layers:
            if name in layer:
                roles += cast("list[Located]", layer[name].value)
        if roles:
            unique = {each.value: each for each in reversed(roles)}
            ordered = [each for each in roles if unique[each.value] is each]
            last = merged[name]
            merged[name] = Located(ordered, last.line, last.path, last.file)
    return merged


def _common(
    merged: Mapping[str, Variables], name: str, source: Source, *, required: bool = False
) -> str:
    """Return a variable that must be the same for every host of the inventory."""
    first_host, first = "", None
    for host, variables in merged.items():
        value = variables.get(name)
        if value is None and required:
            raise located_error(
                source.file, 1, f"{ROOT}.vars.{name}", f"missing, for host {host}",
                f"say {name}: {' | '.join(MODES)} below all: vars:",
            )  # fmt: skip
        if not first_host:
            first_host, first = host, value
        elif (value and value.value) != (first and first.value):
            there = value or first
            assert there is not None
            mine = value.value if value else "nothing"
            other = first.value if first else "nothing"
            raise there.wrong(
                f"one inventory has one {name}: {host} has {mine}, {first_host} has {other}",
                f"make two inventories, or put {name} below all: vars:",
            )
    return str(first.value) if first else ""


def _host(found: Structure, name: str, variables: Variables, source: Source) -> Host:
    plain = {key: value.plain() for key, value in variables.items()}
    absent = tuple(cast("list[str]", plain.get("absent", [])))

    def path(key: str) -> Path | None:
        return _path(str(plain[key]), source) if key in plain else None

    return Host(
        name=name,
        inventory=source.reference,
        mode=cast("Mode", plain["mode"]),
        roles=tuple(r for r in cast("list[str]", plain.get("roles", [])) if r not in absent),
        absent=absent,
        groups=tuple(group.name for group in found.ancestry(name)),
        address=str(plain.get("ansible_host", name)),
        port=cast("int", plain.get("ansible_port", 22)),
        user=cast("str | None", plain.get("ansible_user")),
        private_key=path("ansible_ssh_private_key_file"),
        known_hosts=path("known_hosts"),
        become=bool(plain.get("ansible_become", False)),
        sandbox=_sandbox(variables, source),
        values={key: _value(key, value) for key, value in plain.items() if key not in FIELDS},
    )


def _sandbox(variables: Variables, source: Source) -> Path | None:
    """Return the host's root if it is a directory of this machine."""
    connection, root = variables.get("ansible_connection"), variables.get("sandbox_root")
    if connection is None or connection.value != "local":
        if root is not None:
            raise root.wrong(
                "a host reached over SSH has no sandbox_root", "say ansible_connection: local"
            )
        return None
    if variables["mode"].value != "sandbox":
        raise connection.wrong(
            f"only a sandbox is local, and the mode is {variables['mode'].value}",
            "reach the host over SSH, or say mode: sandbox",
        )
    return _path(str(root.value) if root else SANDBOX_ROOT, source)


def _value(name: str, value: object) -> object:
    reference = parse(value) if is_secret(name) and isinstance(value, str) else None
    return reference or value


def _path(text: str, source: Source) -> Path:
    return source.root / Path(text).expanduser()
