"""Debian packages: seen by dpkg, installed by apt, never removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from .failing import AgentError
from .machine import Machine
from .processes import run

INSTALL_WITHIN_S = 900.0
#: In the sandbox a file tells what stands for which package.
SANDBOX_LIST = "/etc/quantum-sandbox.json"
_APT = (
    "apt-get", "-q", "-y", "--no-install-recommends",
    "-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=60",
    "-o", "Acquire::Retries=2",
)  # fmt: skip


def versions(machine: Machine, names: Sequence[str]) -> dict[str, str | None]:
    """Return the installed version of each package, None where it is not installed."""
    found: dict[str, str | None] = dict.fromkeys(names)
    if not names:
        return found
    if machine.sandbox:
        return {name: _listed(machine).get(name) for name in names}
    asked = "${Package}\t${Version}\t${db:Status-Status}\n"
    for line in run(("dpkg-query", "-W", "-f", asked, "--", *names), 30.0).output.splitlines():
        name, version, status = line.split("\t")
        if status == "installed" and name in found:
            found[name] = version
    return found


def install(machine: Machine, name: str, check: Callable[[], None]) -> None:
    """Install a package; the lists are fetched again only where they do not suffice."""
    if machine.sandbox:
        raise AgentError("failed", f"the sandbox has nothing that stands for the package {name}")
    ended = run((*_APT, "install", "--", name), INSTALL_WITHIN_S, check)
    if ended.code not in {0, None}:
        run((*_APT, "update"), INSTALL_WITHIN_S, check)
        ended = run((*_APT, "install", "--", name), INSTALL_WITHIN_S, check)
    if ended.code != 0:
        why = ended.last_line or f"apt-get did not end within {INSTALL_WITHIN_S:.0f} s"
        raise AgentError(
            "failed", why, action=f"see on the host why `apt-get install {name}` fails"
        )


def _listed(machine: Machine) -> dict[str, str]:
    try:
        with open(machine.at(SANDBOX_LIST), encoding="utf-8") as file:
            return dict(json.load(file)["packages"])
    except (OSError, ValueError, KeyError):
        return {}
