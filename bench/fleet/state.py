"""What the hosts should be, as every tool is told it: taken from our own desired state. Pure.

So that it is the same set for all, and where a tool would do more than ours, it is let off.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.agent.releases import COMPLETE
from harness.desired import RELEASES, WANTS, Desired


def told(
    desired: Desired, blobs: Path, release: Path | None, had: Callable[[str], bool]
) -> dict[str, Any]:
    """Return one host's state; its contents are files below `blobs`, by digest.

    `had` tells whether a fresh host has a directory already: such a one that nobody asked for is
    left out. So are the links that enable a unit, since the tools are told of the unit itself.
    """
    return {
        "packages": list(desired.packages),
        "directories": [
            {"path": one.path} if one.implied else {"path": one.path, **_owned(one)}
            for one in desired.paths
            if one.kind == "dir" and not (one.implied and had(one.path))
        ],
        "files": [
            {"path": one.path, "source": str(blobs / one.sha256), **_owned(one)}
            for one in desired.paths
            if one.kind == "file"
        ],
        "links": [
            {"path": one.path, "target": one.target}
            for one in desired.paths
            if one.kind == "symlink" and not one.path.startswith(f"{WANTS}/")
        ],
        "units": [unit.name for unit in desired.units],
        "release": {
            "archive": str(release),
            "folder": f"{RELEASES}/{desired.release}",
            "complete": f"{RELEASES}/{desired.release}/{COMPLETE}",
            "digest": desired.release,
        }
        if release
        else None,
    }  # fmt: skip


def _owned(one: Any) -> dict[str, str]:
    return {"mode": f"{one.mode:04o}", "owner": one.owner, "group": one.group}


def contents(desired: Desired) -> Mapping[str, bytes]:
    """Return the content of every file by its digest."""
    return {one.sha256: one.content for one in desired.paths if one.kind == "file"}


def playbook() -> list[dict[str, Any]]:
    """Return Ansible's play: each list of a host's state is one task with a loop."""

    def task(name: str, module: str, words: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return {"name": name, f"ansible.builtin.{module}": dict(words), **more}

    owned = {name: f"{{{{ item.{name} | default(omit) }}}}" for name in ("mode", "owner", "group")}
    release = {"when": "state.release is not none"}
    return [
        {
            "hosts": "all",
            "gather_facts": False,
            "become": True,
            "tasks": [
                # the module for packages needs a library that such a host does not have
                task("packages", "command", {"argv": ["dpkg-query", "-W", "{{ item }}"]},
                     loop="{{ state.packages }}", changed_when=False),
                task("directories", "file", {"path": "{{ item.path }}", "state": "directory",
                     **owned}, loop="{{ state.directories }}"),
                task("release folder", "file", {"path": "{{ state.release.folder }}",
                     "state": "directory", "mode": "0755"}, **release),
                task("release", "unarchive", {"src": "{{ state.release.archive }}",
                     "dest": "{{ state.release.folder }}",
                     "creates": "{{ state.release.complete }}"}, **release),
                task("release is whole", "copy", {"content": "{{ state.release.digest }}\n",
                     "dest": "{{ state.release.complete }}", "mode": "0644"}, **release),
                task("files", "copy", {"src": "{{ item.source }}", "dest": "{{ item.path }}",
                     **owned}, loop="{{ state.files }}", register="placed"),
                task("links", "file", {"src": "{{ item.target }}", "dest": "{{ item.path }}",
                     "state": "link"}, loop="{{ state.links }}"),
                task("reload", "systemd_service", {"daemon_reload": True}, when="placed.changed"),
                task("restart", "systemd_service", {"name": "{{ item }}", "state": "restarted"},
                     loop="{{ state.units }}", when="placed.changed"),
                task("units", "systemd_service", {"name": "{{ item }}", "state": "started",
                     "enabled": True}, loop="{{ state.units }}"),
            ],
        }
    ]  # fmt: skip


def ansible_inventory(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return Ansible's inventory: an address and a state for each host."""
    return {
        "all": {
            "hosts": {
                name: {"ansible_host": host["address"], "state": host["state"]}
                for name, host in hosts.items()
            }
        }
    }


def ansible_cfg(user: str, key: Path, known_hosts: Path, sockets: Path) -> str:
    """Return Ansible's settings, as fast as it goes without another connection plugin."""
    return (
        "[defaults]\nforks = 10\nhost_key_checking = True\ninterpreter_python = /usr/bin/python3\n"
        f"remote_user = {user}\nprivate_key_file = {key}\nretry_files_enabled = False\n"
        "[ssh_connection]\npipelining = True\n"
        f"control_path_dir = {sockets}\n"
        f"ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o IdentitiesOnly=yes"
        f" -o UserKnownHostsFile={known_hosts}\n"
    )


def ansible_changes(said: str) -> int | None:
    """Return how many changes Ansible's recap tells; None where a host failed or there is none."""
    recap = [line for line in said.partition("PLAY RECAP")[2].splitlines() if "changed=" in line]
    if not recap:
        return None
    total = 0
    for line in recap:
        words = dict(word.split("=") for word in line.split() if "=" in word)
        if int(words["failed"]) or int(words["unreachable"]):
            return None
        total += int(words["changed"])
    return total


def read(path: Path) -> Any:
    """Return what `as_json` wrote."""
    return json.loads(path.read_text())


def as_json(value: object) -> str:
    """Return it for a file that a tool reads."""
    return json.dumps(value, indent=1)
