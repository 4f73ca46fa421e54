"""A booted sandbox, units written as text, and questions over the real socket."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from harness.agent.supervisor import Supervisor
from harness.host import Host
from harness.sandbox import starting
from harness.sandbox.host import Sandbox, boot

DEADLINE_S = 60.0
WORKER = Path(__file__).parent / "worker.py"
NAME = "w.service"
WANTS = "etc/systemd/system/multi-user.target.wants"


def until(true: Callable[[], object], what: str) -> None:
    """Look again and again until something holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()


class Box:
    """One sandbox and what a test does with it."""

    def __init__(self, root: Path) -> None:
        self.host = Host(name="box", inventory="t", mode="sandbox", roles=(), sandbox=root)
        self.root = root
        self.sandbox: Sandbox = boot(self.host)

    def unit(
        self,
        does: str = "ready",
        *,
        more: str = "",
        unit: str = "",
        name: str = NAME,
        kind="notify",
    ) -> None:
        self.write(f"etc/systemd/system/{name}", (
            f"[Unit]\n{unit}\n[Service]\nType={kind}\n"
            f"ExecStart=/usr/bin/python3 -I -S /worker.py {does}\nTimeoutStopSec=20\n{more}\n"
        ))  # fmt: skip

    def write(self, path: str, text: str) -> Path:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def ask(self, do: str, **words: object) -> dict:
        return starting.ask(self.sandbox.control, {"do": do, **words}, DEADLINE_S)

    def do(self, do: str, name: str = NAME, **words: object) -> dict:
        return self.ask(do, unit=name, **{"wait_s": DEADLINE_S, **words})

    def show(self, name: str = NAME) -> dict:
        return self.ask("show", units=[name])[name]

    def becomes(self, name: str = NAME, **wanted: object) -> dict:
        def holds() -> bool:
            state = self.show(name)
            return all(state[key] == value for key, value in wanted.items())

        until(holds, f"{name} did not become {wanted}: it is {self.show(name)}")
        return self.show(name)

    def enable(self, name: str = NAME) -> None:
        (self.root / WANTS / name).symlink_to(f"/etc/systemd/system/{name}")

    def log(self, name: str = NAME) -> str:
        return (self.root / f"var/log/journal/{name}.log").read_text()

    @property
    def agent(self) -> Supervisor:
        return Supervisor(str(self.sandbox.control))
