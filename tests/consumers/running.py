"""Run the real consumer, hear what it tells systemd, end it by its PID."""

import json
import os
import signal
import socket
from pathlib import Path

from tests.logins import login
from tests.starting import forked
from tests.waiting import until

ROOT = Path(__file__).parents[2]
STREAM, GROUP, STATUS = "quantum:stream:apply.result", "p35_decision_intel", "quantum:p35:status"
#: What a test's own environment must not bring in.
FOREIGN = ("REDIS_", "QUANTUM_", "NOTIFY_SOCKET", "WATCHDOG_", "CREDENTIALS_DIRECTORY", "CONSUMER_")


class Consumer:
    """One process of decision intelligence."""

    def __init__(
        self,
        folder,
        port,
        module="consumers.decision_intelligence",
        words=(),
        start=forked,
        **settings,
    ):
        self.folder = Path(folder)
        number = len(list(self.folder.glob("*.log")))
        self.log = self.folder / f"{number}.log"
        self.told = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.folder / f"{number}.sock"))
        self._socket.setblocking(False)
        environ = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        environ |= {
            "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port), "CONSUMER_NAME": "host-1",
            "NOTIFY_SOCKET": str(self.folder / f"{number}.sock"), "CLAIM_IDLE_MS": "100",
            "PYTHONPATH": str(ROOT / "tests/as_on_a_host"),
        }  # fmt: skip
        environ |= login(module, settings)
        environ |= {name: str(value) for name, value in settings.items()}
        self.process = start([module, *words], environ, self.log, cwd=ROOT)

    def hear(self):
        """Return everything told to systemd so far."""
        while True:
            try:
                self.told += self._socket.recv(65_536).decode().split("\n")
            except BlockingIOError:
                return self.told

    def ready(self):
        until(self._is_ready, what="READY=1")
        return self

    def _is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        return "READY=1" in self.hear()

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def ended(self):
        return self.process.wait(timeout=60)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self._socket.close()


def status(client, name):
    return client.hget(STATUS, name)


def processed(client):
    return int(status(client, "processed_total") or 0)


def until_counted(client, count):
    """Wait until `count` events are counted and nothing is pending."""
    until(lambda: processed(client) == count and pending(client) == 0, what=f"event {count}")


def pending(client):
    return client.xpending(STREAM, GROUP)["pending"]
