"""Run units in memory behind the supervisor's real protocol, remembering what each started with."""

import json
import re
import socketserver
import threading
from pathlib import Path

UNITS = "etc/systemd/system"


class StandIn:
    """Units are files below a root; a started one keeps the QUANTUM_* lines it was started with.

    A unit whose file says ExecStart=/bin/false does not start.
    """

    def __init__(self, root: Path, socket: Path) -> None:
        self.root = root
        self.units: dict[str, dict] = {}
        self.calls: list[tuple[str, str]] = []
        self.count = 0
        stand_in = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    said = json.dumps(stand_in.answer(json.loads(line)))
                    self.wfile.write(said.encode() + b"\n")

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.control = str(socket)
        self.server = Server(self.control, Handler)
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def path(self, unit: str) -> Path:
        return self.root / UNITS / unit

    def answer(self, asked: dict) -> dict:
        do = asked["do"]
        if do == "show":
            return {unit: self.show(unit) for unit in asked["units"]}
        self.calls.append((do, asked.get("unit", "")))
        if do == "reload":
            return {"ok": True}
        return getattr(self, do.replace("-", "_"))(asked["unit"])

    def show(self, unit: str) -> dict:
        there = self.path(unit).exists()
        running = self.units.get(unit, {})
        state = {
            "load": "loaded" if there else "not-found",
            "active": "inactive",
            "sub": "dead",
            "enabled": "",
            "main_pid": 0,
            "restarts": 0,
            "invocation": "",
            "need_reload": False,
            "result": "success",
            "environ": {},
            "credentials": {},
            "dropins": [],
            "fragment": str(self.path(unit)),
        }
        return state | running

    def start(self, unit: str) -> dict:
        if self.units.get(unit, {}).get("active") == "active":
            return {"ok": True}
        if not self.path(unit).exists():
            return {"error": f"{unit} not found"}
        text = self.path(unit).read_text()
        self.count += 1
        common = {"invocation": f"{self.count:032x}", "main_pid": 0}
        if "ExecStart=/bin/false" in text:
            self.units[unit] = common | {"active": "failed", "sub": "failed", "result": "exit-code"}
            return {"error": f"{unit} is failed: exit code 1"}
        environ = dict(re.findall(r"^Environment=(QUANTUM_\w+)=(.*)$", text, re.MULTILINE))
        self.units[unit] = common | {"active": "active", "sub": "running", "environ": environ}
        return {"ok": True}

    def stop(self, unit: str) -> dict:
        self.units.pop(unit, None)
        return {"ok": True}

    def restart(self, unit: str) -> dict:
        self.stop(unit)
        return self.start(unit)

    def reset_failed(self, unit: str) -> dict:
        if self.units.get(unit, {}).get("active") == "failed":
            self.units.pop(unit)
        return {"ok": True}

    def kill(self, unit: str) -> dict:
        return self.restart(unit)
