"""Wait on the host until a transaction is decided or its time is up; then see to it.

`python3 -I -S .../tx/ID/agent.pyz expire .../tx/ID` is the dead man's switch, `boot` what a boot
runs. The wait is most of a switch's life, so that what undoes is loaded only when it must.
"""

from __future__ import annotations

import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What a transaction's folder keeps about its switch, from arming until it is disarmed.
NAME = "switch.json"
#: How often a waiting switch looks whether it is still needed, in seconds.
LOOK_EVERY_S = 0.5


def main() -> None:
    """Do what the words say; the exit status is 0 unless something is left to be mended."""
    verb, folder = sys.argv[1:3]
    if verb == "expire" and not is_due(folder):
        return
    from . import expiring

    sys.exit(expiring.run(folder, booting=verb == "boot"))


def is_due(folder: str) -> bool:
    """Wait; True when the time is up, False when somebody decided and left nothing to do."""
    while True:
        said = read(folder)
        if said is None:
            return False
        left = left_s(said)
        if left <= 0 or any(os.path.exists(os.path.join(folder, f)) for f in said["decided"]):
            return True
        time.sleep(min(left, LOOK_EVERY_S))


def read(folder: str) -> dict[str, Any] | None:
    """Return what is kept about the switch; None when it is disarmed."""
    try:
        with open(os.path.join(folder, NAME), encoding="utf-8") as file:
            return dict(json.load(file))
    except FileNotFoundError:
        return None


def left_s(said: dict[str, Any]) -> float:
    """Return how much time is left, in seconds; a deadline of before a reboot has passed."""
    if said["boot_id"] != boot_id():
        return 0.0
    return float(said["until_s"]) - time.monotonic()


def boot_id() -> str:
    """Return what tells this boot from another one, empty where nothing does."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
