"""Keep what the simulated exchange knows beyond its end, where `file://FOLDER` is its address then.

Below the folder lies what GET /control/log and /control/orders would have shown last.
"""

from __future__ import annotations

from pathlib import Path

from fault_injection.exchange_simulator.controlling import as_text, booked
from fault_injection.exchange_simulator.exchange import SimulatedExchange


def keep(exchange: SimulatedExchange, folder: Path) -> None:
    """Write both, each whole or not at all."""
    below = folder / "control"
    below.mkdir(parents=True, exist_ok=True)
    for name, said in (("log", {"calls": exchange.calls()}), ("orders", booked(exchange))):
        beside = below / f".{name}"
        beside.write_text(as_text(said), encoding="utf-8")
        beside.replace(below / name)


def forget(folder: Path) -> None:
    """Take away what one knew that was there before."""
    for name in ("log", "orders"):
        (folder / "control" / name).unlink(missing_ok=True)


def address(folder: Path) -> str:
    """Return what to ask in the place of the simulator's own address."""
    return folder.resolve().as_uri()
