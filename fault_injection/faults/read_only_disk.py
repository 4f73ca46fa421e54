"""The disk of the releases or of the settings has become read-only."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words

FOLDERS = ("/opt/quantum/releases", "/etc/quantum")


def steps(aim: Aim) -> Words:
    """Cover one of the folders with itself, read-only."""
    return ({"do": "mount", "path": aim.chance.one_of(FOLDERS), "how": "read-only"},)


FAULT = Fault(
    name="read_only_disk",
    family="host",
    breaks=__doc__,
    words=steps,
    injected="a read-only mount of the folder over itself",
    observed="the kernel says that it is read-only",
    undone="umount",
    threatens=("all_old_or_all_new", "running_what_was_deployed", "stays_up", "recovery"),
    needs=("own mounts",),
    lasts_s=(15, 25),
)
