"""Choose hosts by `--limit` patterns, as Ansible means them: *, a:b, !c, &d, groups and hosts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from harness.errors import ConfigurationError
from harness.suggestions import did_you_mean

#: A pattern longer than this is a mistake.
MOST_CHARACTERS = 1000


def matching(
    pattern: str, hosts: Sequence[str], groups: Mapping[str, Sequence[str]], where: str
) -> tuple[str, ...]:
    """Return the names of the hosts that `pattern` chooses, in the order of `hosts`.

    Terms are separated by ":" or ",". Whatever their order, the plain ones add up first (all
    hosts when there is none), then every &term intersects, then every !term excludes. A term
    that means nothing and a pattern that chooses nobody raise ConfigurationError; `where` names
    the inventory for it.
    """
    terms = [term.strip() for term in re.split("[:,]", pattern[:MOST_CHARACTERS])]
    if len(pattern) > MOST_CHARACTERS or not all(term.lstrip("!&").strip() for term in terms):
        raise _refused(pattern, where, "a term is missing or it is far too long")
    plain = [term for term in terms if term[0] not in "!&"]
    chosen = set(hosts) if not plain else set()
    for term in plain:
        chosen |= _of(term, pattern, hosts, groups, where)
    for term in terms:
        if term[0] == "&":
            chosen &= _of(term[1:].strip(), pattern, hosts, groups, where)
    for term in terms:
        if term[0] == "!":
            chosen -= _of(term[1:].strip(), pattern, hosts, groups, where)
    if not chosen:
        raise _refused(pattern, where, "no host is left over")
    return tuple(host for host in hosts if host in chosen)


def _of(
    term: str,
    pattern: str,
    hosts: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    where: str,
) -> set[str]:
    """Return the hosts of one term; a group's name comes before a host's, as in Ansible."""
    if re.search(r"[\[\]~!&]", term):
        raise _refused(pattern, where, f'"{term}": only * and ? are wildcards here')
    glob = any(mark in term for mark in "*?")
    of_groups = [name for name in groups if name == term or (glob and fnmatchcase(name, term))]
    of_hosts = [name for name in hosts if name == term or (glob and fnmatchcase(name, term))]
    if not of_groups and not of_hosts:
        hint = "" if glob else did_you_mean(term, {*hosts, *groups})
        raise _refused(pattern, where, f'no host or group is called "{term}"{hint}')
    chosen = {host for name in of_groups for host in groups[name]}
    return chosen | set(of_hosts if glob or not of_groups else ())


def _refused(pattern: str, where: str, cause: str) -> ConfigurationError:
    return ConfigurationError(
        f'pattern "{pattern}" on inventory {where}: {cause}',
        step="inventory",
        action=f"invoke inventory.show -i {where}",
    )
