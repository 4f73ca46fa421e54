"""The state as pyinfra's operations; run by pyinfra itself, in the tools' environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.operations import apt, files, server, systemd

STATE = json.loads(Path(os.environ["FLEET_STATE"]).read_text())[host.name]["state"]
ROOT = {"_sudo": True}


def owned(one: dict[str, str]) -> dict[str, str]:
    """Return pyinfra's words for mode and owner."""
    if "mode" not in one:
        return {}
    return {"mode": one["mode"].lstrip("0"), "user": one["owner"], "group": one["group"]}


if STATE["packages"]:
    apt.packages(packages=STATE["packages"], **ROOT)
for each in STATE["directories"]:
    files.directory(path=each["path"], **owned(each), **ROOT)
release = STATE["release"]
if release and not host.get_fact(File, path=release["complete"], **ROOT):
    files.directory(path=release["folder"], **ROOT)
    files.put(src=release["archive"], dest="/root/release.tar.gz", **ROOT)
    server.shell(commands=[f"tar -xzf /root/release.tar.gz -C {release['folder']}"], **ROOT)
placed = [
    files.put(src=each["source"], dest=each["path"], **owned(each), **ROOT)
    for each in STATE["files"]
]
for each in STATE["links"]:
    files.link(path=each["path"], target=each["target"], **ROOT)
for unit in STATE["units"]:
    systemd.service(service=unit, running=True, enabled=True, **ROOT)
