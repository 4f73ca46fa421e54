"""Serve the simulated exchange until it is told to stop: one line says where."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from fault_injection.exchange_simulator.keeping import keep, restore
from fault_injection.exchange_simulator.simulator import Simulator


def main() -> int:
    """Return 0 after SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m fault_injection.exchange_simulator")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--key", default="simulated-key", help="the API key that it knows")
    parser.add_argument("--secret", default="simulated-secret", help="what requests are signed by")
    parser.add_argument(
        "--until-left", action="store_true", help="end when standard input does, as its parent's"
    )
    parser.add_argument("--keep", type=Path, help="write there then what it knows: keeping.py")
    parser.add_argument("--go-on", action="store_true", help="begin with what is kept there")
    said = parser.parse_args()
    simulator = Simulator(port=said.port, key=said.key, secret=said.secret)
    if said.go_on:
        restore(simulator, said.keep)
    if said.until_left:
        threading.Thread(target=_until_left, args=(simulator, said.keep), daemon=True).start()
    sys.stdout.write(f"exchange simulator at {simulator.url} (control: /control/)\n")
    sys.stdout.flush()
    simulator.run()
    return 0


def _until_left(simulator: Simulator, folder: Path | None) -> None:
    """Wait until nobody is there any more; what was not written then has no effect either."""
    sys.stdin.buffer.read()

    def end() -> None:
        try:
            if folder:
                keep(simulator, folder)
        finally:
            os._exit(0)

    simulator.alone(end)


if __name__ == "__main__":
    sys.exit(main())
