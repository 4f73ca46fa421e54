"""What of a host a fault may touch, in a form in which two looks can be compared."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from . import fault_units, resp, step_mount, step_nft, step_redis
from .failing import AgentError, one_line
from .machine import Machine
from .processes import run

WITHIN_S = 30.0
FOLDERS = ("/etc/systemd/system", "/run/systemd/system")
_UNIT = ("load", "active", "enabled", "dropins", "need_reload")
#: Keys of nft's answer that change by themselves.
_MOVING = frozenset({"handle", "packets", "bytes", "metainfo"})


def take(
    machine: Machine,
    *,
    paths: Sequence[str],
    units: Sequence[str],
    servers: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return rules, mounts, modes, units, unit files, stopped processes and Redis' settings."""
    return {
        "nft": _nft(machine),
        "mounts": _mounts(machine),
        "modes": {path: _mode(machine, path) for path in paths},
        "units": {
            name: {key: state.get(key) for key in _UNIT}
            for name, state in machine.services.show(dict.fromkeys(units, ())).items()
        },
        "files": _files(machine),
        "stopped": {
            unit: sum(each["state"] == fault_units.STOPPED
                      for each in fault_units.processes(machine, unit))
            for unit in units
        },
        "redis": {str(each["port"]): _redis(machine, each) for each in servers},
    }  # fmt: skip


def _nft(machine: Machine) -> Any:
    """Return the rules, without what they have counted; of a laptop only what a fault has made."""
    ended = run(("nft", "-j", "list", "ruleset"), WITHIN_S)
    if ended.code != 0:
        return None
    said = json.loads(ended.output)["nftables"]
    found = [_still(each) for each in said if "metainfo" not in each]
    if machine.sandbox:
        found = [each for each in found if step_nft.PREFIX in json.dumps(each)]
    return found


def _still(said: Any) -> Any:
    if isinstance(said, dict):
        return {key: _still(value) for key, value in said.items() if key not in _MOVING}
    return [_still(each) for each in said] if isinstance(said, list) else said


def _mounts(machine: Machine) -> list[str]:
    """Return what is mounted where; in the sandbox below its root alone."""
    try:
        found = step_mount.mounts()
    except OSError:  # macOS
        return []
    if machine.sandbox:
        found = [each for each in found if f"{each['at']}/".startswith(f"{machine.root}/")]
    # a unit that starts anew mounts anew: only what lies on what in one place is the same then
    found = sorted(found, key=lambda each: each["at"])
    return [" ".join(each[key] for key in ("at", "kind", "options", "source")) for each in found]


def _mode(machine: Machine, path: str) -> list[Any] | None:
    try:
        found = os.lstat(machine.at(path))
    except OSError:
        return None
    return [f"{stat.S_IMODE(found.st_mode):o}", found.st_uid, found.st_gid]


def _files(machine: Machine) -> dict[str, str]:
    """Return each file and link of systemd's folders with what it holds."""
    found = {}
    for top in FOLDERS:
        for folder, folders, names in os.walk(machine.at(top)):
            for name in (*names, *folders):
                path = os.path.join(folder, name)
                found[path[len(machine.root) :]] = _content(path)
    return found


def _content(path: str) -> str:
    try:
        if os.path.islink(path):
            return f"-> {os.readlink(path)}"
        if os.path.isdir(path):
            return "folder"
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError as error:
        return one_line(error)


def _redis(machine: Machine, where: Mapping[str, Any]) -> Any:
    """Return a server's settings, and a digest of each user's rules: they hold secrets' digests."""
    full = {"host": "127.0.0.1", "user": "", "password_file": "", **where}
    try:
        with resp.connected(machine, full, WITHIN_S) as redis:
            settings = redis.pairs("CONFIG", "GET", "*")
            lines = [" ".join(step_redis.words_of(line)) for line in redis.ask("ACL", "LIST")]
            users = [hashlib.sha256(line.encode()).hexdigest() for line in lines]
    except (AgentError, OSError) as error:
        return one_line(error)
    settings.pop("unixsocket", None)  # a sandbox's server has another one after each start
    secret = [key for key in settings if "pass" in key or "auth" in key]
    settings.update({key: hashlib.sha256(settings[key].encode()).hexdigest() for key in secret})
    return {"config": settings, "users": users}
