"""pyinfra's inventory: the hosts of the state, with the same key and known_hosts as everybody."""

from __future__ import annotations

import json
import os
from pathlib import Path

hosts = [
    (
        name,
        {
            "ssh_hostname": one["address"],
            "ssh_user": os.environ["FLEET_USER"],
            "ssh_key": os.environ["FLEET_KEY"],
            "ssh_known_hosts_file": os.environ["FLEET_KNOWN_HOSTS"],
            "ssh_strict_host_key_checking": "yes",
        },
    )
    for name, one in json.loads(Path(os.environ["FLEET_STATE"]).read_text()).items()
]
