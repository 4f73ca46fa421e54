"""Talk to one agent in frames over its stdin and stdout: one request, one answer, one deadline."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from harness.bootstrap import agent_archive
from harness.errors import (
    AgentError,
    DriftError,
    InDoubtError,
    LockedError,
    QuantumError,
    UnreachableError,
)

#: A session that is closed waits so long for the agent to put back what was not committed.
UNDO_WITHIN_S = 300.0
#: After these the host may have changed although no answer came.
CHANGING = frozenset(
    {
        "apply", "commit", "confirm", "rollback", "recover", "operate", "backup", "restore",
        "fault_arm", "fault_undo", "fault_heal", "fault_allow", "fault_forbid",
    }
)  # fmt: skip
#: Whoever asked for one of these waits for the agent's end: it may still have to clean up.
WRITING = CHANGING | {"prune", "probe"}
#: What runs steps, and puts everything back when one fails.
APPLYING = frozenset({"apply", "restore", "fault_arm"})
#: What to look at when the answer to a request is lost; for all others the plan tells.
LOOK_AT = {
    "backup": "invoke backup.list: it says whether the snapshot is there",
    **dict.fromkeys(
        ("fault_arm", "fault_undo", "fault_heal"),
        "invoke faults.heal: it undoes what is left of any fault",
    ),
    **dict.fromkeys(
        ("fault_allow", "fault_forbid"),
        "invoke faults.forbid: it takes back whatever was allowed",
    ),
}

Reply = dict[str, Any]


class Channel:
    """One agent over its stdin and stdout, whatever carries them.

    `explain` is asked when the agent ends without an answer; it may know why (sudo's refusal).
    `on_event` is called from the waiting thread with each event frame.
    """

    def __init__(
        self,
        stdin: BinaryIO,
        stdout: BinaryIO,
        *,
        host: str,
        explain: Callable[[], QuantumError | None] = lambda: None,
        on_event: Callable[[Mapping[str, Any]], None] = lambda _event: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._host = host
        self._explain = explain
        self._on_event = on_event
        self._clock = clock
        self._broken = ""
        self._writing = False
        self._outbox: queue.Queue[bytes | None] = queue.Queue()
        self._inbox: queue.Queue[Reply | None] = queue.Queue()
        archive = agent_archive()
        self._outbox.put(b"%08x" % len(archive) + archive)
        for work in (self._write, self._read):
            threading.Thread(target=work, name=f"{host}-{work.__name__}", daemon=True).start()

    def close(self, *, deadline_s: float = UNDO_WITHIN_S) -> None:
        """End the agent and wait until it has put back what was not committed.

        One that was asked to change nothing has nothing to put back, and nobody waits for it.
        """
        self._outbox.put(None)
        if not self._writing:
            self._broken = self._broken or "the session is closed"
            return
        deadline = self._clock() + deadline_s
        with contextlib.suppress(queue.Empty):
            while not self._broken and self._inbox.get(timeout=max(0.0, deadline - self._clock())):
                pass
        self._broken = self._broken or "the session is closed"
        self._inbox.put(None)  # whoever was interrupted amid a request waits for this word, too

    def _ask(
        self, request: Reply, deadline_s: float, blobs: Mapping[str, bytes] | None = None
    ) -> Reply:
        name = str(request["do"])
        if self._broken:
            raise UnreachableError(self._broken, host=self._host, step=name)
        self._writing = self._writing or name in WRITING
        parts = [json.dumps(request).encode() + b"\n"]
        for digest, content in (blobs or {}).items():
            parts += [json.dumps({"blob": digest, "size": len(content)}).encode() + b"\n", content]
        for part in parts:
            self._outbox.put(part)
        deadline = self._clock() + deadline_s
        while True:
            try:
                frame = self._inbox.get(timeout=max(0.0, deadline - self._clock()))
            except queue.Empty:
                # it still runs: whoever explains would wait for its end in vain
                raise self._lost(name, f"no answer within {deadline_s:.0f} s") from None
            if frame is None:
                self._inbox.put(None)  # whoever closes the session waits for this word, too
                raise self._lost(name, "the agent ended without an answer", self._explain())
            if "event" in frame:
                self._on_event(frame)
            elif "error" in frame:
                raise self._translated(name, frame["error"])
            else:
                reply: Reply = frame["reply"]
                return reply

    def _lost(self, name: str, cause: str, known: QuantumError | None = None) -> QuantumError:
        self._broken = cause
        self._outbox.put(None)
        if name in CHANGING:
            return InDoubtError(
                f"{cause}{f' ({known.cause})' if known else ''}; what was not committed is put"
                " back by the host itself",
                host=self._host, step=name,
                action=LOOK_AT.get(name, "invoke plan: it says first what stands on the host"),
            )  # fmt: skip
        return (known or UnreachableError(cause)).at(host=self._host, step=name)

    def _translated(self, name: str, error: Mapping[str, Any]) -> QuantumError:
        kind, state = str(error.get("kind")), error.get("state")
        known: dict[str, type[QuantumError]] = {"locked": LockedError, "drifted": DriftError}
        chosen = InDoubtError if state == "in_doubt" else known.get(kind, AgentError)
        after = "; everything was put back" if state == "rolled_back" and name in APPLYING else ""
        return chosen(
            f"{error.get('cause')}{after}", host=self._host, step=str(error.get("step") or name),
            action=str(error.get("action") or ""),
        )  # fmt: skip

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError, QuantumError):
            while (part := self._outbox.get()) is not None:
                self._stdin.write(part)
                self._stdin.flush()
        with contextlib.suppress(OSError, ValueError):
            self._stdin.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError, EOFError):
            while not self._broken:
                try:
                    line = self._stdout.readline()
                except QuantumError:
                    continue  # a silent link is no lost one: every request has its own deadline
                if not line:
                    break
                self._inbox.put(json.loads(line))
        self._inbox.put(None)
