"""The disk of the releases is full: nothing new fits, and what starts there finds nothing."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words

RELEASES = "/opt/quantum/releases"


def steps(aim: Aim) -> Words:
    """Cover the releases with a small disk that is full."""
    del aim
    return ({"do": "mount", "path": RELEASES, "how": "full"},)


FAULT = Fault(
    name="fill_disk",
    family="host",
    breaks=__doc__,
    words=steps,
    injected="a tmpfs over the folder, filled to its last byte",
    observed="no block is free there, for the host",
    undone="umount",
    threatens=("all_old_or_all_new", "running_what_was_deployed", "stays_up", "recovery"),
    needs=("own mounts",),
    lasts_s=(8, 14),
)
