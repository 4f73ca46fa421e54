"""Start `python -m MODULE` for a test: forked from a warm process, or from nothing.

Forked off it costs a tenth; tests/consumers/test_started_both_ways.py holds both to be the same.
"""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What an interpreter reads once, as it starts: where these differ nothing can be forked.
EARLY = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "TZ")
#: How often one looks whether a process has ended: at first, and in the end, in seconds.
SOON_S, LATER_S = 0.001, 0.02


def from_nothing(words, environ, out, err=None, cwd=ROOT):
    """Start `python -m WORDS` as anyone does; what it tells goes into a file, or two."""
    with opened(out, err) as (told, wrong):
        return subprocess.Popen(
            [sys.executable, "-m", *words], cwd=cwd, env=environ, stdin=subprocess.DEVNULL,
            stdout=told, stderr=wrong,
        )  # fmt: skip


def forked(words, environ, out, err=None, cwd=ROOT):
    """Start the same, forked off a warm process of ours, where that makes no difference."""
    if Path(cwd) != ROOT:
        return from_nothing(words, environ, out, err, cwd)
    kind = "commands" if words[0] == "invoke" else "consumers"
    early = {name: value for name, value in environ.items() if name.startswith(EARLY)}
    key = (kind, *sorted(early.items()))
    with STARTING:
        if key not in WARM:
            WARM[key] = Warm(kind, environ)
    with opened(out, err) as (told, wrong):
        return WARM[key].fork(words, environ, told, wrong)


@contextlib.contextmanager
def opened(out, err):
    """Open what is told and what is wrong, which is one file unless another is named."""
    with Path(out).open("wb") as told:
        if err is None:
            yield told, told
            return
        with Path(err).open("wb") as wrong:
            yield told, wrong


def run(words, environ, cwd=ROOT, timeout=240, start=forked):
    """Return what `python -m WORDS` told and how it ended, as subprocess.run does."""
    with tempfile.TemporaryDirectory(prefix="quantum-test-") as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = start(words, environ, out, err, cwd)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
            process.wait()
        return subprocess.CompletedProcess(words, code, out.read_text(), err.read_text())


class Warm:
    """The process that others are forked from; it ends when this one does."""

    def __init__(self, kind, environ):
        self._owner, self._one_at_a_time = os.getpid(), threading.Lock()
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", kind, str(theirs.fileno())], cwd=ROOT,
                env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )  # fmt: skip
        self._answers = self._line.makefile("rb")
        atexit.register(self.close)

    def fork(self, words, environ, told, wrong):
        """Start `python -m WORDS`, what it tells going into two open files."""
        module, *more = words
        asked = {"module": module, "words": more, "environ": environ}
        with Path(os.devnull).open("rb") as nothing:
            return Forked(self, words, self.ask(asked, (nothing, told, wrong)))

    def ask(self, what, opened=()):
        said = json.dumps(what).encode() + b"\n"
        with self._one_at_a_time:
            sent = socket.send_fds(self._line, [said], [each.fileno() for each in opened])
            self._line.sendall(said[sent:])
            answer = self._answers.readline()
        assert answer, "the process that others are forked from has ended"
        return json.loads(answer)

    def close(self):
        if os.getpid() == self._owner:
            with contextlib.suppress(OSError):  # it was closed before, or has ended by itself
                self._line.shutdown(socket.SHUT_RDWR)
            self._process.wait()


class Forked:
    """One process that was forked off, asked as a Popen is."""

    def __init__(self, warm, words, pid):
        self._warm, self.args, self.pid, self.returncode = warm, words, pid, None

    def poll(self):
        if self.returncode is None:
            self.returncode = self._warm.ask({"look": self.pid})
        return self.returncode

    def wait(self, timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        pause_s = SOON_S
        while self.poll() is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LATER_S)
        return self.returncode

    def send_signal(self, number):
        # until it is waited for its PID is nobody else's
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


#: What is started, what an interpreter reads as it starts -> who others are forked from.
WARM = {}
STARTING = threading.Lock()
