"""The floor: Fabric's ThreadingGroup runs `python3 -c pass` on every host.

python -m bench.fleet.by_fabric KEY KNOWN_HOSTS USER ADDRESS...
"""

from __future__ import annotations

import sys
from pathlib import Path

import fabric
import paramiko
from paramiko.pkey import PKey


def main(key: str, known_hosts: str, user: str, *addresses: str) -> None:
    """Run it everywhere; any that fails raises."""
    options = {
        "pkey": PKey.from_path(Path(key)), "allow_agent": False, "look_for_keys": False,
    }  # fmt: skip
    group = fabric.ThreadingGroup(*addresses, user=user, connect_kwargs=options)
    for connection in group:  # Fabric itself would take any host key
        connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        connection.client.load_host_keys(known_hosts)
    group.run("python3 -c pass", hide=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
