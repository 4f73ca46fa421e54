"""Turn a role's resources into the exact bytes, modes and digests that a host should have.

Pure: templates are filled in by the `render` that is passed in. The digests that tell a running
process what it was started with are added here and nowhere else: `QUANTUM_ENV_DIGEST` as the
first line of an env file, `QUANTUM_UNIT_DIGEST` as the first line of a unit's [Service] section.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Literal

from harness.errors import ConfigurationError
from harness.host import Host
from harness.masking import Secret
from harness.resources import (
    Absent,
    Credential,
    Directory,
    File,
    Package,
    Release,
    Resource,
    Symlink,
    SystemUser,
    Template,
    Unit,
)

UNITS = "/etc/systemd/system"
WANTS = f"{UNITS}/multi-user.target.wants"
VENDOR_UNITS = "/lib/systemd/system"
RELEASES = "/opt/quantum/releases"
CREDENTIALS = "/etc/quantum/credentials"

Render = Callable[[str, Host, Mapping[str, object]], str]


@dataclass(frozen=True, slots=True)
class DesiredPath:
    """One file, directory or link, to the byte."""

    path: str
    kind: Literal["file", "dir", "symlink"]
    mode: int = 0o755
    owner: str = "root"
    group: str = "root"
    content: bytes = b""
    target: str = ""
    secret: bool = False
    implied: bool = False  #: a parent nobody asked for: made when absent, else left as it is
    verify: str = ""  #: "unit": systemd-analyze must accept it before it is placed
    service: str = ""  #: the service it belongs to, for --only

    @property
    def sha256(self) -> str:
        """Return the digest of the content; empty for what is no file."""
        return hashlib.sha256(self.content).hexdigest() if self.kind == "file" else ""


@dataclass(frozen=True, slots=True)
class DesiredUnit:
    """A unit that must run, and the digests that its process must have been started with."""

    name: str
    service: str
    path: str  #: the unit file or drop-in
    digests: Mapping[str, str]  #: QUANTUM_UNIT_DIGEST and, with an env file, QUANTUM_ENV_DIGEST
    credentials: Mapping[str, str] = field(default_factory=dict)  #: name -> path
    env: str = ""


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything one host should be, in the order in which it must come to hold."""

    packages: tuple[str, ...]
    release: str  #: digest; empty when no resource asks for one
    modules: tuple[str, ...]  #: what must be importable from the release
    paths: tuple[DesiredPath, ...]
    units: tuple[DesiredUnit, ...]
    absent: tuple[str, ...] = ()  #: services that must not be here
    users: tuple[str, ...] = ()


def needs_release(resources: Iterable[Resource]) -> str | None:
    """Return which extra lock the host's release needs ("" for none), None where it has no release.

    A host has one release for all its services, so the extra of one is there for all.
    """
    extras = [each.extra for each in resources if isinstance(each, Release)]
    return max(extras) if extras else None


def compose(host: Host, resources: Iterable[Resource], release: str, render: Render) -> Desired:
    """Return what `host` should be; `release` is the digest that its units are to name.

    Raises ConfigurationError when two resources claim one path, a unit follows an unknown one, or a
    service is to be here and to be absent.
    """
    resources = tuple(resources)
    env_files = {each.env for each in resources if isinstance(each, Unit) and each.env}
    paths: dict[str, DesiredPath] = {}

    def add(one: DesiredPath) -> None:
        if host.sandbox:  # a directory of this user's has no other owners to give things to
            one = replace(one, owner="root", group="root")
        if one.path in paths and paths[one.path] != one:
            raise ConfigurationError(
                f"two resources of its roles claim {one.path}", host=host.name, step="plan"
            )
        paths[one.path] = one

    for each in resources:
        for one in _paths_of(each, host, render):
            add(_with_env_digest(one) if one.path in env_files else one)
    units = []
    modules = tuple(each.module for each in resources if isinstance(each, Release))
    for each in resources:
        if isinstance(each, Unit):
            unit, unit_paths = _unit(each, host, release, modules, paths, render)
            units.append(unit)
            for one in unit_paths:
                add(one)
    return Desired(
        packages=tuple(dict.fromkeys(r.name for r in resources if isinstance(r, Package))),
        release=release if modules else "",
        modules=modules,
        paths=_with_parents(tuple(paths.values()), release=bool(modules)),
        units=tuple(units),
        absent=_absent(host, resources, units),
        users=tuple(dict.fromkeys(r.name for r in resources if isinstance(r, SystemUser))),
    )


def _absent(
    host: Host, resources: Iterable[Resource], units: Iterable[DesiredUnit]
) -> tuple[str, ...]:
    absent = dict.fromkeys(each.service for each in resources if isinstance(each, Absent))
    for unit in units:
        if unit.service in absent:
            raise ConfigurationError(
                f"the service {unit.service} is to be here and to be absent", host=host.name,
                step="plan", action="name it once: the role that has it, or Absent",
            )  # fmt: skip
    return tuple(absent)


def _paths_of(resource: Resource, host: Host, render: Render) -> Iterable[DesiredPath]:
    if isinstance(resource, Directory):
        yield DesiredPath(
            resource.path, "dir", resource.mode, owner=resource.owner, group=resource.group
        )
    elif isinstance(resource, File):
        secret = isinstance(resource.content, Secret)
        content = (
            resource.content.reveal() if isinstance(resource.content, Secret) else resource.content
        )
        yield DesiredPath(
            resource.path, "file", resource.mode, resource.owner, resource.group, content,
            secret=secret,
        )  # fmt: skip
    elif isinstance(resource, Template):
        text = render(resource.source, host, {**resource.extra, "secret": resource.secret})
        yield DesiredPath(
            resource.path, "file", resource.mode, resource.owner, resource.group, text.encode(),
            secret=resource.secret,
        )  # fmt: skip
    elif isinstance(resource, Symlink):
        yield DesiredPath(resource.path, "symlink", 0o777, target=resource.target)
    elif isinstance(resource, Credential):
        for folder in (CREDENTIALS, f"{CREDENTIALS}/{resource.service}"):
            yield DesiredPath(folder, "dir", 0o700)
        yield DesiredPath(
            resource.path, "file", 0o600, content=resource.value.reveal(), secret=True,
            service=resource.service,
        )  # fmt: skip


def _unit(
    unit: Unit,
    host: Host,
    release: str,
    modules: tuple[str, ...],
    paths: Mapping[str, DesiredPath],
    render: Render,
) -> tuple[DesiredUnit, list[DesiredPath]]:
    where = {"path": f"{RELEASES}/{release}", "modules": modules}
    text = render(unit.template, host, {**unit.extra, "unit": unit, "release": where})
    digest = hashlib.sha256(text.encode())
    for followed in unit.follows:
        if followed not in paths:
            raise ConfigurationError(
                f"{unit.name} follows {followed}, which no role manages", host=host.name
            )
        digest.update(f"{followed} {paths[followed].sha256}\n".encode())
    head, section, rest = text.partition("[Service]\n")
    if not section:
        raise ConfigurationError(f"{unit.template} has no [Service] section", host=host.name)
    text = f"{head}{section}Environment=QUANTUM_UNIT_DIGEST={digest.hexdigest()}\n{rest}"
    path = f"{UNITS}/{unit.name}.d/quantum.conf" if unit.vendor else f"{UNITS}/{unit.name}"
    target = f"{VENDOR_UNITS if unit.vendor else UNITS}/{unit.name}"
    digests = {"QUANTUM_UNIT_DIGEST": digest.hexdigest()}
    if unit.env:
        digests["QUANTUM_ENV_DIGEST"] = _env_digest(paths[unit.env].content)
    placed = [
        DesiredPath(
            path, "file", 0o644, content=text.encode(), service=unit.service,
            verify="" if unit.vendor else "unit",
        ),
        DesiredPath(f"{WANTS}/{unit.name}", "symlink", 0o777, target=target, service=unit.service),
    ]  # fmt: skip
    credentials = {
        name: Credential(unit.service, name, Secret("")).path for name in unit.credentials
    }
    return DesiredUnit(unit.name, unit.service, path, digests, credentials, unit.env), placed


def _with_env_digest(one: DesiredPath) -> DesiredPath:
    line = f"QUANTUM_ENV_DIGEST={hashlib.sha256(one.content).hexdigest()}\n".encode()
    return replace(one, content=line + one.content)


def _env_digest(content: bytes) -> str:
    return content.partition(b"\n")[0].partition(b"=")[2].decode()


def _with_parents(paths: tuple[DesiredPath, ...], *, release: bool) -> tuple[DesiredPath, ...]:
    """Put every missing parent in front of what needs it, and directories before their content."""
    known = {one.path: one for one in paths}
    wanted = [one.path for one in paths] + ([f"{RELEASES}/x"] if release else [])
    for path in wanted:
        for parent in PurePosixPath(path).parents:
            if str(parent) != "/":
                known.setdefault(str(parent), DesiredPath(str(parent), "dir", implied=True))
    folders = sorted((one for one in known.values() if one.kind == "dir"), key=lambda one: one.path)
    return (*folders, *(one for one in paths if one.kind != "dir"))
