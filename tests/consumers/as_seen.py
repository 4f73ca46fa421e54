"""A program that tells how it finds itself, then ends as its first word says."""

import builtins
import gc
import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path

PROGRAMS = {f"consumers.{name}" for name in (
    "decision_intelligence", "execution", "strategy_router", "fills_by_symbol"
)}  # fmt: skip


def opened():
    """Yield what is open: number, where that leads to, but for the number of a log or a socket."""
    for each in Path("/proc/self/fd").iterdir():
        if each.exists():
            yield each.name, str(each.readlink()).partition(".log")[0].rstrip("0123456789")


SEEN = {
    "argv": sys.argv,
    "asked for": sys.orig_argv[1:],
    "names": sorted(globals()),
    "file": __file__,
    "package": __package__,
    "spec": __spec__.name,
    "is main": sys.modules["__main__"].__dict__ is globals(),
    "builtins": __builtins__ is builtins,
    "run before": sorted(PROGRAMS & set(sys.modules)),
    "path": sys.path,
    "flags": list(sys.flags),
    "no bytecode": sys.dont_write_bytecode,
    "environ": dict(os.environ),
    "folder": str(Path.cwd()),
    "group": [os.getpgrp(), os.getsid(0), os.nice(0), os.umask(0o022)],
    "threads": [each.name for each in threading.enumerate()],
    "main thread": threading.main_thread().ident == threading.get_ident(),
    "open": dict(opened()),
    "signals": {each.name: str(signal.getsignal(each)).partition(" at 0x")[0]
                for each in signal.valid_signals() if isinstance(each, signal.Signals)},
    "masked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "limits": [resource.getrlimit(n) for n in range(10)],
    "buffers": [(each.line_buffering, each.write_through, each.encoding, each.errors)
                for each in (sys.stdin, sys.stdout, sys.stderr)],
    "collector": [gc.isenabled(), gc.get_threshold()],
}  # fmt: skip

if __name__ == "__main__":
    print(json.dumps(SEEN))  # noqa: T201
    if sys.argv[1] == "raise":
        raise RuntimeError("as asked")
    if sys.argv[1] == "kill":
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[1] == "wait":
        sys.stdout.flush()
        signal.pause()
    sys.exit(int(sys.argv[1]))
