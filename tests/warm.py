"""A process that has imported what others will import, and forks one whenever it is asked to.

    python -m tests.warm consumers|commands SOCKET

A consumer takes 0.3 s of a processor to be imported, a command half a second, and the tests start
many hundreds. Who is forked off goes on as `python -m MODULE` does: it enters the module by the
same door as an interpreter, and has nothing of this one left but what is imported. It is a process
of its own, with its own PID, environment, output and signals; tests.starting is who asks.
"""

import builtins
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import types

PROGRAMS = (
    "consumers.decision_intelligence", "consumers.strategy_router", "consumers.execution",
)  # fmt: skip
#: What commands are made of, of which they import most as late as they can.
PACKAGES = ("commands", "harness", "roles", "proofs", "fault_injection")
#: What runs on a host, or alone.
NOT_THEIRS = ("harness.agent", "harness.sandbox", "fault_injection.exchange_simulator")


def consumers():
    """Import what consumers import; they themselves have not run yet, by any name."""
    for name in PROGRAMS:
        importlib.import_module(name)
        parent, _, own = name.rpartition(".")
        del sys.modules[name]
        delattr(sys.modules[parent], own)


def commands():
    """Import what any command may import, and Invoke."""
    importlib.import_module("invoke.main")
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(path, f"{package}."):
            if not found.name.startswith(NOT_THEIRS):
                importlib.import_module(found.name)


class Warm:
    """Forks, and tells how those ended who were forked off."""

    def __init__(self, line):
        self._line, self._living = line, set()

    def serve(self):
        """Answer until nobody asks any more; in a new process return its request."""
        while asked := self._hear():
            if "look" in asked:
                self._tell(self._code(asked["look"]))
                continue
            pid = os.fork()
            if not pid:
                self._line.close()
                return asked
            for each in asked["opened"]:
                os.close(each)
            self._living.add(pid)
            self._tell(pid)
        for pid in self._living:
            os.kill(pid, signal.SIGKILL)  # not waited for, so it is still nobody else's
            os.waitpid(pid, 0)
        return None

    def _hear(self):
        """Return the next request with what was opened for it, None where nobody asks any more."""
        said, opened = b"", []
        while not said.endswith(b"\n"):
            more, came, _, _ = socket.recv_fds(self._line, 65_536, 3)
            if not more:
                return None
            said, opened = said + more, opened + came
        return json.loads(said) | {"opened": opened}

    def _code(self, pid):
        """Return a child's exit code as subprocess spells it, None while it lives."""
        found, status = os.waitpid(pid, os.WNOHANG)
        if not found:
            return None
        self._living.remove(pid)
        return os.waitstatus_to_exitcode(status)

    def _tell(self, answer):
        self._line.sendall(json.dumps(answer).encode() + b"\n")


def become(asked):
    """Go on as `python -m MODULE WORDS` with this environment and what was opened for it."""
    for there, here in enumerate(asked["opened"]):
        os.dup2(here, there)
    os.closerange(3, max(asked["opened"]) + 1)
    os.environ.clear()
    os.environ.update(asked["environ"])
    sys.argv = ["-m", *asked["words"]]
    sys.orig_argv = [sys.executable, "-m", asked["module"], *asked["words"]]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__builtins__, main.__annotations__ = builtins, {}
    runpy._run_module_as_main(asked["module"])  # what the interpreter's own -m calls


if __name__ == "__main__":
    # Ctrl-C reaches who asks too, who then hangs up
    as_it_was = signal.signal(signal.SIGINT, signal.SIG_IGN)
    {"consumers": consumers, "commands": commands}[sys.argv[1]]()
    gc.collect()
    gc.freeze()
    if wanted := Warm(socket.socket(fileno=int(sys.argv[2]))).serve():
        signal.signal(signal.SIGINT, as_it_was)
        become(wanted)
