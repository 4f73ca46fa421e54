"""The host as the steps see it: where its root is, who runs its units, whose names count."""

from __future__ import annotations

import grp
import os
import pwd

from .failing import AgentError
from .services import Services

STORE = "/var/lib/quantum-ops"
RELEASES = "/opt/quantum/releases"


class Machine:
    """A root directory, its services, and whether owners are real there."""

    __slots__ = ("honour_owners", "root", "services")

    def __init__(self, root: str, services: Services, *, honour_owners: bool = True) -> None:
        self.root = root  #: real path without a trailing slash; empty for /
        self.services = services
        self.honour_owners = honour_owners  #: False: owners stay, and are reported as root

    def told(self) -> dict[str, object]:
        """Return what `opening.machine` makes the same machine of again."""
        return {
            "root": self.root or "/", "services": self.services.name,
            "control": self.services.control, "honour_owners": self.honour_owners,
        }  # fmt: skip

    @property
    def sandbox(self) -> bool:
        """Tell whether a directory stands for the host's root."""
        return bool(self.root)

    @property
    def store(self) -> str:
        """Return the real path of the folder that holds transactions and the lock."""
        return self.root + STORE

    @property
    def python(self) -> str:
        """Return the interpreter that the units run."""
        return f"{self.root}/usr/bin/python3"

    def at(self, path: str) -> str:
        """Return the real path; raises AgentError for one that is not absolute and plain."""
        return self.root + plain(path)

    def owner(self, uid: int) -> str:
        """Return a user's name, or its number where it has none."""
        if not self.honour_owners:
            return "root"
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def group(self, gid: int) -> str:
        """Return a group's name, or its number where it has none."""
        if not self.honour_owners:
            return "root"
        try:
            return grp.getgrgid(gid).gr_name
        except KeyError:
            return str(gid)

    def ids(self, owner: str, group: str) -> tuple[int, int]:
        """Return uid and gid, -1 where owners are not honoured; raises AgentError if unknown."""
        if not self.honour_owners:
            return -1, -1
        try:
            uid = int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
            gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
        except KeyError:
            raise AgentError(
                "refused", f"no user {owner!r} or no group {group!r} on this host"
            ) from None
        return uid, gid


def plain(path: str) -> str:
    """Return `path` when it is absolute and normal; raises AgentError otherwise."""
    if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
        raise AgentError("request", f"{path!r} is not an absolute path")
    if path != "/" and os.path.normpath(path) != path:
        raise AgentError("request", f"{path!r} is not in its normal form")
    return path
