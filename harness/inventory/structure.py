"""Find groups, hosts and who belongs to whom in an inventory of Ansible's shape."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from harness.inventory.host_ranges import unfold
from harness.inventory.yaml_reading import Located
from harness.suggestions import closest, did_you_mean

PARTS = ("hosts", "vars", "children")
ROOT, UNGROUPED = "all", "ungrouped"
#: A top-level name is taken for a mistyped `all` from this likeness on.
ALMOST = 0.75
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

Variables = dict[str, Located]


@dataclass(slots=True)
class Group:
    """One group while the inventory is being read; `depth` is its longest way from `all`."""

    name: str
    variables: Variables = field(default_factory=dict)
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, Located] = field(default_factory=dict)
    depth: int = 0


@dataclass(slots=True)
class Structure:
    """All groups, and all hosts with their own variables, in the order of the file."""

    groups: dict[str, Group]
    hosts: dict[str, Variables]

    def ancestry(self, host: str) -> list[Group]:
        """Return the groups that `host` is in, directly or not; the strongest last.

        As in Ansible: parents before children, then by ansible_group_priority, then by name.
        """
        found: dict[str, Group] = {}
        waiting = [group for group in self.groups.values() if host in group.hosts]
        while waiting:
            group = waiting.pop()
            if group.name not in found:
                found[group.name] = group
                waiting += [each for each in self.groups.values() if group.name in each.children]
        return sorted(found.values(), key=lambda each: (each.depth, _priority(each), each.name))

    def members(self, group: str) -> list[str]:
        """Return the hosts in `group` or below it, in the order of the file."""
        return [
            host for host in self.hosts if any(each.name == group for each in self.ancestry(host))
        ]


def structure(tree: Located) -> Structure:
    """Read groups and hosts. Raises InventoryError with file, line and key path."""
    found = Structure({ROOT: Group(ROOT)}, {})
    for name, body in tree.mapping("an inventory").items():
        _check_top(name, body, ROOT in tree.mapping("an inventory"))
        _group(found, name, body)
        if name != ROOT:
            found.groups[ROOT].children.setdefault(name, body)
    _deepen(found, tree)
    _ungrouped(found)
    return found


def _check_top(name: str, body: Located, has_root: bool) -> None:  # noqa: FBT001
    if name in PARTS:
        raise body.wrong(f'"{name}" belongs below a group', f"put it below {ROOT}:")
    if name == "plugin":
        raise body.wrong("inventory plugins are not supported", "write the hosts down instead")
    shape = (
        name == ROOT
        or body.value is None
        or (isinstance(body.value, dict) and any(part in body.value for part in PARTS))
    )
    if not shape or (not has_root and closest(name, (ROOT,), ALMOST)):
        raise body.wrong(f'"{name}" is no group' + did_you_mean(name, (ROOT, *PARTS)))


def _group(found: Structure, name: str, body: Located) -> None:
    _check_name(name, body)
    group = found.groups.setdefault(name, Group(name))
    parts = body.mapping("a group")
    for part, content in parts.items():
        if part not in PARTS:
            raise content.wrong(f'a group has no "{part}"' + did_you_mean(part, PARTS))
        entries = content.mapping(part)
        if part == "vars":
            _add(group.variables, entries, f"group {name}")
        elif part == "children":
            for child, below in entries.items():
                if child == ROOT:
                    raise below.wrong("all is above every group, not below one")
                group.children.setdefault(child, below)
                _group(found, child, below)
        else:
            for pattern, variables in entries.items():
                for host in _names(pattern, variables):
                    group.hosts[host] = None
                    own = found.hosts.setdefault(host, {})
                    _add(own, variables.mapping("a host"), f"host {host}")


def _names(pattern: str, entry: Located) -> list[str]:
    try:
        names = unfold(pattern)
    except ValueError as error:
        raise entry.wrong(f'"{pattern}" {error}') from None
    for name in names:
        _check_name(name, entry)
    return names


def _check_name(name: str, entry: Located) -> None:
    if not _NAME.fullmatch(name):
        raise entry.wrong(f'"{name}" is no name: letters, digits, "_", "." and "-" make one')


def _add(to: Variables, entries: Variables, whose: str) -> None:
    """Add variables; the same host or group may be described in several places, in harmony."""
    for name, value in entries.items():
        before = to.get(name)
        if before is not None and before.plain() != value.plain():
            raise value.wrong(
                f"{whose} has another {name} in line {before.line} ({before.path})",
                "keep one of the two",
            )
        to[name] = value


def _deepen(found: Structure, tree: Located) -> None:
    """Set every group's depth; raises InventoryError where groups contain each other."""

    def visit(name: str, depth: int, above: tuple[str, ...]) -> None:
        group = found.groups[name]
        if name in above:
            circle = " > ".join((*above[above.index(name) :], name))
            entry = found.groups[above[-1]].children.get(name, tree)
            raise entry.wrong(f"groups contain each other: {circle}")
        if depth < group.depth or (depth == group.depth and name in visited):
            return
        group.depth = depth
        visited.add(name)
        for child in group.children:
            visit(child, depth + 1, (*above, name))

    visited: set[str] = set()
    rooted = {child for group in found.groups.values() for child in group.children}
    for name, group in found.groups.items():
        if name != ROOT and name not in rooted:
            found.groups[ROOT].children.setdefault(name, tree)
            rooted.add(group.name)
    visit(ROOT, 0, ())


def _ungrouped(found: Structure) -> None:
    """Put every host below `all`, and those of no other group into `ungrouped`, as Ansible does."""
    others = {host for group in found.groups.values() if group.name != ROOT for host in group.hosts}
    lonely = [host for host in found.hosts if host not in others]
    if lonely:
        group = found.groups.setdefault(UNGROUPED, Group(UNGROUPED, depth=1))
        group.hosts.update(dict.fromkeys(lonely))
    for host in found.hosts:
        found.groups[ROOT].hosts[host] = None


def _priority(group: Group) -> int:
    """Return ansible_group_priority, 1 unless given. Raises InventoryError."""
    given = group.variables.get("ansible_group_priority")
    if given is None:
        return 1
    if isinstance(given.value, bool) or not isinstance(given.value, int):
        raise given.wrong("a priority is a whole number")
    return given.value
