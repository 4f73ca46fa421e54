"""Serve the simulated exchange until it is told to stop: one line says where."""

from __future__ import annotations

import argparse
import sys

from fault_injection.exchange_simulator.simulator import Simulator


def main() -> int:
    """Return 0 after SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m fault_injection.exchange_simulator")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--key", default="simulated-key", help="the API key that it knows")
    parser.add_argument("--secret", default="simulated-secret", help="what requests are signed by")
    said = parser.parse_args()
    simulator = Simulator(port=said.port, key=said.key, secret=said.secret)
    sys.stdout.write(f"exchange simulator at {simulator.url} (control: /control/)\n")
    sys.stdout.flush()
    simulator.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
