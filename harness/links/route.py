"""The way to a host: the jump hosts that ssh_config names, and what is needed to enter each."""

from __future__ import annotations

import getpass
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import ConfigurationError
from harness.host import Host
from harness.links import ssh_config
from harness.links.known_hosts import Destination

SSH_PORT = 22
#: What ssh tries where no IdentityFile is named.
USUAL_KEYS = tuple(Path(f"~/.ssh/id_{kind}") for kind in ("ed25519", "ecdsa", "rsa"))
USUAL_FILES = (Path("~/.ssh/known_hosts"),)
GLOBAL_FILES = (Path("/etc/ssh/ssh_known_hosts"),)
#: One word of ProxyJump: ssh://user@host:port, all but the host left out at will.
JUMP = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@]+)@)?(?P<host>\[[^\]]+\]|[^:@/]+)(?::(?P<port>\d+))?/?"
)


@dataclass(frozen=True, slots=True)
class Hop:
    """One sshd on the way, the last being the host's own."""

    name: str  #: as the inventory or ProxyJump has it
    user: str
    where: Destination
    by_hand: str  #: the ssh command with which a person enters it
    key: Path | None = None  #: the inventory's; it is the only one then
    identities: tuple[Path, ...] = ()
    named: bool = False  #: the identities were named, and are not just the usual ones
    identities_only: bool = False
    agent: str = ""  #: the socket of the ssh agent
    command: str = ""  #: ProxyCommand, instead of connecting to it
    jump: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """Return address and port as the hop before it sees them."""
        return self.where.hostname, self.where.port


def route(host: Host) -> tuple[Hop, ...]:
    """Return the hops to a host, itself last. Raises ConfigurationError."""
    try:
        name = host.address or host.name
        port = None if host.port == SSH_PORT else host.port  # leave it to ssh_config
        *jumps, last = _hops(host, name, host.user, port, ())
    except ConfigurationError as error:
        error.at(host=host.name)
        raise
    return *jumps, replace(last, key=host.private_key, by_hand=_by_hand(host), jump=False)


def _by_hand(host: Host) -> str:
    words = ["ssh"]
    if host.port != SSH_PORT:
        words += ["-p", str(host.port)]
    if host.private_key:
        words += ["-i", str(host.private_key)]
    target = host.address or host.name
    return shlex.join([*words, f"{host.user}@{target}" if host.user else target])


def _hops(
    host: Host, name: str, user: str | None, port: int | None, behind: tuple[str, ...]
) -> tuple[Hop, ...]:
    if name in behind:
        circle = " -> ".join((*behind, name))
        raise ConfigurationError(
            f"ProxyJump goes in a circle: {circle}", step="ssh_config", action=f"ssh -G {name}"
        )
    said = ssh_config.lookup(name, user=user, port=port)
    hop = _hop(host, name, user, port, said)
    # of ProxyJump and ProxyCommand the first that ssh_config says holds
    way = next((key for key in said if key in {"proxyjump", "proxycommand"}), "")
    value = str(said.get(way) or "none")
    if value.lower() == "none":
        return (hop,)
    if way == "proxycommand":
        return (replace(hop, command=value.replace("%n", name).replace("%%", "%")),)
    words = [_parsed(word.strip()) for word in value.split(",")]
    jumps = [_hop(host, *word, ssh_config.lookup(word[0], user=word[1], port=word[2]))
             for word in words]  # fmt: skip
    if any(each.place == hop.place for each in jumps):
        return (hop,)  # `Host *` with a ProxyJump is meant for all but the jump host itself
    # the first is reached as ssh_config says of it, each other through the one before
    return *_hops(host, *words[0], (*behind, name)), *jumps[1:], hop


def _hop(host: Host, name: str, user: str | None, port: int | None, said: Mapping[str, Any]) -> Hop:
    try:
        where = Destination(
            host.name, host.inventory, str(said["hostname"]),
            int(said.get("port") or SSH_PORT), _known_hosts(host, said),
            alias=str(said.get("hostkeyalias", "")),
            hop="" if name == (host.address or host.name) else name,
        )  # fmt: skip
    except ValueError as error:
        raise ConfigurationError(
            f"ssh_config cannot be used for {name}: {error}", step="ssh_config"
        ) from error
    words = ["ssh", *(["-p", str(port)] if port else []), f"{user}@{name}" if user else name]
    named = [Path(each) for each in said.get("identityfile", ())]
    return Hop(
        name,
        user=str(said.get("user") or getpass.getuser()),
        where=where,
        by_hand=shlex.join(words),
        identities=tuple(
            path.expanduser() for path in named or USUAL_KEYS if str(path).lower() != "none"
        ),
        named=bool(named),
        identities_only=str(said.get("identitiesonly", "no")).lower() == "yes",
        agent=_agent(str(said.get("identityagent", "SSH_AUTH_SOCK"))),
        jump=True,
    )


def _known_hosts(host: Host, said: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the files that vouch for keys; `none` and /dev/null do not switch that off."""
    if host.known_hosts:
        return (host.known_hosts.expanduser(),)

    def files(key: str, usual: tuple[Path, ...]) -> list[Path]:
        named = [each for each in shlex.split(str(said.get(key, "")))
                 if each.lower() not in {"none", "/dev/null"}]  # fmt: skip
        return [path.expanduser() for path in map(Path, named)] or [
            path.expanduser() for path in usual
        ]

    user = files("userknownhostsfile", USUAL_FILES)
    return (*user, *files("globalknownhostsfile", GLOBAL_FILES))


def _agent(said: str) -> str:
    if said.lower() == "none":
        return ""
    if said == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK", "")
    return os.environ.get(said[1:], "") if said.startswith("$") else str(Path(said).expanduser())


def _parsed(word: str) -> tuple[str, str | None, int | None]:
    """Return host, user and port of one word of ProxyJump."""
    found = JUMP.fullmatch(word)
    if not found:
        raise ConfigurationError(
            f"ProxyJump names no host: {word!r}", step="ssh_config",
            action="write it as [user@]host[:port]",
        )  # fmt: skip
    port = found["port"]
    return found["host"].strip("[]"), found["user"], int(port) if port else None
