"""Serve the simulated exchange until it is told to stop: one line says where."""

from __future__ import annotations

import argparse
import sys
import threading

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
    said = parser.parse_args()
    simulator = Simulator(port=said.port, key=said.key, secret=said.secret)
    if said.until_left:
        threading.Thread(target=_until_left, args=(simulator,), daemon=True).start()
    sys.stdout.write(f"exchange simulator at {simulator.url} (control: /control/)\n")
    sys.stdout.flush()
    simulator.run()
    return 0


def _until_left(simulator: Simulator) -> None:
    sys.stdin.buffer.read()
    simulator.leave()


if __name__ == "__main__":
    sys.exit(main())
