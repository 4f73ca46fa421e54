"""Keep what the simulated exchange knows beyond its end, where `file://FOLDER` is its address then.

Below the folder lies what GET /control/log and /control/orders would have shown last.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from fault_injection.exchange_simulator.controlling import as_text, booked
from fault_injection.exchange_simulator.engine import Placed
from fault_injection.exchange_simulator.exchange import SimulatedExchange


def keep(exchange: SimulatedExchange, folder: Path) -> None:
    """Write both, each whole or not at all."""
    below = folder / "control"
    below.mkdir(parents=True, exist_ok=True)
    for name, said in (("log", {"calls": exchange.calls()}), ("orders", booked(exchange))):
        beside = below / f".{name}"
        beside.write_text(as_text(said), encoding="utf-8")
        beside.replace(below / name)


def restore(exchange: SimulatedExchange, folder: Path) -> None:
    """Let another one go on where one ended. Raises OSError, ValueError, TypeError, KeyError."""
    below = folder / "control"
    orders = [_placed(each) for each in json.loads((below / "orders").read_bytes())]
    exchange.go_on(orders, json.loads((below / "log").read_bytes())["calls"])


def _placed(said: dict[str, Any]) -> Placed:
    numbers = {name: Decimal(said[name]) for name in ("quantity", "filled", "price")}
    trigger = None if said["trigger"] is None else Decimal(said["trigger"])
    return Placed(**{**said, **numbers, "trigger": trigger})


def forget(folder: Path) -> None:
    """Take away what one knew that was there before."""
    for name in ("log", "orders"):
        (folder / "control" / name).unlink(missing_ok=True)


def address(folder: Path) -> str:
    """Return what to ask in the place of the simulator's own address."""
    return folder.resolve().as_uri()
