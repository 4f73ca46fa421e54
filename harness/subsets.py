"""Cut what a host should be down to some of its services, and to what those cannot do without.

Pure. The rest of the host is not looked at: it is neither wanted, nor drifted, nor left over.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from harness.desired import RELEASES, Desired
from harness.resources import Absent, Package, Release, Resource, SystemUser, Unit


def of_services(
    resources: Iterable[Resource], services: Iterable[str], only: frozenset[str]
) -> tuple[Resource, ...]:
    """Return what one role, which runs `services`, asks for on behalf of those in `only`.

    What belongs to another service of the role stays out; what belongs to none comes along, and so
    does a role that runs none: what it asks for is shared.
    """
    services = frozenset(services)
    if services and not services & only:
        return ()
    # what a service was called before goes with it
    return tuple(
        each for each in resources
        if isinstance(each, Absent) or getattr(each, "service", None) in {None, *only}
    )  # fmt: skip


def cut(whole: Desired, chosen: Iterable[Resource]) -> Desired:
    """Return the part of `whole` that these resources are about, with every parent directory.

    The release is the whole host's: it has one for all its services, whoever is deployed.
    """
    chosen = tuple(chosen)
    asked = [each for each in chosen if isinstance(each, Unit)]
    names = {each.name for each in asked}
    services = {each.service for each in asked}
    wanted = {str(path) for each in chosen if (path := getattr(each, "path", ""))}
    wanted |= {path for each in asked for path in (each.env, *each.follows)}
    wanted |= {one.path for one in whole.paths if one.service in services}
    release = any(isinstance(each, Release) for each in chosen)
    below = [*wanted, f"{RELEASES}/x"] if release else [*wanted]
    wanted |= {str(parent) for path in below for parent in PurePosixPath(path).parents}
    packages = {each.name for each in chosen if isinstance(each, Package)}
    users = {each.name for each in chosen if isinstance(each, SystemUser)}
    absent = {each.service for each in chosen if isinstance(each, Absent)}
    return Desired(
        packages=tuple(each for each in whole.packages if each in packages),
        release=whole.release if release else "",
        modules=whole.modules if release else (),
        paths=tuple(one for one in whole.paths if one.path in wanted),
        units=tuple(each for each in whole.units if each.name in names),
        users=tuple(each for each in whole.users if each in users),
        absent=tuple(each for each in whole.absent if each in absent),
    )
