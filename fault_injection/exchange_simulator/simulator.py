"""Run the simulated exchange in a thread of this process, on a free port of this machine."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Self

from fault_injection.exchange_simulator.exchange import SimulatedExchange
from fault_injection.exchange_simulator.serving import server

STOPPED_WITHIN_S = 10
LOOK_AGAIN_S = 0.005


class Simulator(SimulatedExchange):
    """The exchange and its server: `with Simulator() as simulator: simulator.url`."""

    def __init__(self, *, port: int = 0, **exchange: Any) -> None:
        super().__init__(**exchange)
        self._socket = listening(port)
        self._server = server(self)
        self._thread = threading.Thread(target=self._serve, name="exchange-simulator", daemon=True)

    @property
    def port(self) -> int:
        """The port, which is open from the start."""
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """What EXCHANGE_URL is to be."""
        return f"http://127.0.0.1:{self.port}"

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def start(self) -> Self:
        """Serve, from now on."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the simulator's server ended before it served")
            time.sleep(LOOK_AGAIN_S)
        return self

    def run(self) -> None:
        """Serve in this thread until SIGTERM or SIGINT."""
        self._serve()

    def stop(self) -> None:
        """Let go of every reply and close."""
        self._server.should_exit = True
        self.reset()
        self._thread.join(STOPPED_WITHIN_S)
        self._socket.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self.stop()


def listening(port: int) -> socket.socket:
    """Return a socket that listens on this machine alone. Raises OSError where it is taken."""
    # the protocol is said because asyncio turns Nagle's delay off only then
    made = socket.socket(proto=socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen()
    return made
