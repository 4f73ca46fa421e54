"""Be the supervisor's process: hold the units of one root, and answer who asks in JSON lines.

starting.py runs `python3 -m harness.sandbox.answering ROOT SOCKETS LISTENER`; the listening socket
and the lock are inherited. A question is one line and so is its answer; one at a time:
{"do": "show", "units": [...]} -> {unit: state}; {"do": "reload" | "shutdown"} and
{"do": "start" | "restart" | "stop" | "reset-failed" | "kill", "unit": ..., "wait_s": ...,
"signal": ...} -> {"ok": true} | {"error": "why"}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from harness.sandbox.supervisor import WANTS, Service

NAME = re.compile(r"[\w.:@-]+\.service")
QUESTION_AT_MOST = 1 << 20  #: bytes
WAIT_S = 60.0


class Supervisor:
    """All units of one root."""

    def __init__(self, root: Path, sockets: Path) -> None:
        self.root, self.sockets = root, sockets
        self.services: dict[str, Service] = {}
        self.closing, self.done = False, asyncio.Event()
        self.starting: list[asyncio.Task[str]] = []

    async def run(self, listener: socket.socket) -> None:
        """Start what is enabled, then answer until told to shut down."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._look)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._terminate)
        for link in sorted((self.root / WANTS).glob("*.service")):
            start = self._service(link.name).start(again=False)
            self.starting.append(asyncio.create_task(start))
        server = await asyncio.start_unix_server(self._serve, sock=listener, limit=QUESTION_AT_MOST)
        await self.done.wait()
        server.close()

    def _look(self) -> None:
        for service in self.services.values():
            service.wake.set()

    def _terminate(self) -> None:
        ending = asyncio.ensure_future(self._shut_down())
        ending.add_done_callback(lambda _: self.done.set())

    async def _shut_down(self) -> dict[str, Any]:
        self.closing = True
        await asyncio.gather(*(service.stop() for service in self.services.values()))
        return {"ok": True}

    def _service(self, name: str) -> Service:
        """Return a unit; one that is unknown is looked for on the disk."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a service")
        found = self.services.get(name)
        if not found or not (found.unit.files or found.process):
            found = self.services[name] = Service(self.root, self.sockets, name)
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = contextlib.suppress(ConnectionError, ValueError, asyncio.CancelledError)
        with gone, contextlib.closing(writer):
            while line := await reader.readline():
                asked: dict[str, Any] = {}
                try:
                    asked = json.loads(line)
                    answer = await self._answer(asked)
                except TimeoutError:
                    answer = {
                        "error": f"did not get there within {asked.get('wait_s', WAIT_S):g} s"
                    }
                except (ArithmeticError, AttributeError, LookupError, OSError, TypeError,
                        ValueError) as error:  # fmt: skip
                    answer = {"error": f"{type(error).__name__}: {error}"}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
                if asked.get("do") == "shutdown":
                    self.done.set()

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["do"] == "show":
            return {name: self._service(name).show() for name in asked["units"]}
        if asked["do"] == "shutdown":
            return await self._shut_down()
        if asked["do"] == "reload":
            for service in self.services.values():
                service.reload()
            return {"ok": True}
        doing = self._do(asked["do"], self._service(asked["unit"]), asked)
        problem = await asyncio.wait_for(doing, float(asked.get("wait_s", WAIT_S)))
        return {"error": problem} if problem else {"ok": True}

    async def _do(self, what: str, service: Service, asked: dict[str, Any]) -> str:
        """Do one thing with one unit; return what went wrong."""
        if what in {"start", "restart"}:
            if self.closing:
                return "the sandbox is shutting down"
            return await service.start(again=what == "restart")
        if what == "stop":
            await service.stop()
        elif what == "reset-failed":
            service.reset_failed()
        elif what == "kill":
            number = signal.Signals[f"SIG{str(asked['signal']).removeprefix('SIG')}"]
            if not service.process:
                return f"is {service.active}: there is no process"
            service.send(os.kill, number)
        else:
            return f"nothing is called {what!r} here"
        return ""


def main(root: Path, sockets: Path, listener: int) -> None:
    """Leave the one who started this, and supervise until the end."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    note = root / "run/supervisor.json"
    beside = note.with_suffix(".new")
    beside.write_text(json.dumps({"pid": os.getpid(), "control": str(sockets / "control")}))
    beside.replace(note)
    asyncio.run(Supervisor(root, sockets).run(socket.socket(fileno=listener)))
    for path in (note, *sockets.iterdir()):
        path.unlink(missing_ok=True)
    sockets.rmdir()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
