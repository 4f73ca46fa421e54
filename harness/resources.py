"""The words a role may use to say what a host should be: typed, frozen, without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.masking import Secret


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package that must be installed. Additive: rollback keeps it and says so."""

    name: str


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A user, with a group of that name, who owns things or runs a unit. Additive, too."""

    name: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that must exist."""

    path: str
    mode: int = 0o755
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True, slots=True)
class File:
    """A file with these bytes. Secret content is never shown, diffed or recorded."""

    path: str
    content: bytes | Secret
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True, slots=True)
class Template:
    """A file rendered from templates/ with the host's values (and `extra`) in scope."""

    source: str  #: path below templates/
    path: str
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    secret: bool = False  #: the rendered text holds a secret
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret for one service, at /etc/quantum/credentials/<service>/<name>, 0600 root."""

    service: str
    name: str
    value: Secret

    @property
    def path(self) -> str:
        """Return where the unit's LoadCredential reads it."""
        return f"/etc/quantum/credentials/{self.service}/{self.name}"


@dataclass(frozen=True, slots=True)
class Release:
    """streams/, consumers/ and their locked dependencies, by digest, importable as `module`."""

    module: str  #: e.g. "consumers.decision_intelligence"
    extra: str = ""  #: a lock with further dependencies, e.g. "exchange"; a host has one at most


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit that must be placed, enabled at boot and running what it says.

    `template` renders the unit file; for a unit that a package ships (`vendor`), it renders
    a drop-in. `env`, `credentials` and `follows` name what the running process was started
    with: when any of it differs from what is wanted, the unit is restarted.
    """

    name: str  #: e.g. "quantum-p35-decision-intelligence.service"
    template: str
    service: str  #: the short name used by --only and in paths, e.g. "p35-decision-intelligence"
    vendor: bool = False
    env: str = ""  #: path of the rendered environment file
    credentials: tuple[str, ...] = ()  #: names; their files are Credential(service, name)
    follows: tuple[str, ...] = ()  #: further managed paths the process reads only at start
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Absent:
    """A service that must not be here: its units, env file and credentials are taken away.

    What it has written, its users and its packages stay, and are named.
    """

    service: str


Resource = (
    Package
    | SystemUser
    | Directory
    | File
    | Template
    | Symlink
    | Credential
    | Release
    | Unit
    | Absent
)
