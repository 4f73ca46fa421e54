"""Plan a day of faults: draw it from a seed, tell it, keep it as bytes, shrink one that failed."""

from fault_injection.schedules.drawing import draw, obstacles
from fault_injection.schedules.schedule import Caps, Planned, Schedule, Slot, decode, digest, encode
from fault_injection.schedules.shrinking import shrink
from fault_injection.schedules.telling import told

__all__ = [
    "Caps",
    "Planned",
    "Schedule",
    "Slot",
    "decode",
    "digest",
    "draw",
    "encode",
    "obstacles",
    "shrink",
    "told",
]
