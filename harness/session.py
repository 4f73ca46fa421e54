"""The laptop's end of one agent: typed requests under deadlines, errors a person can read."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from harness.bootstrap import BOOTSTRAP, agent_archive, command
from harness.errors import (
    AgentError,
    DriftError,
    InDoubtError,
    LockedError,
    QuantumError,
    UnreachableError,
)
from harness.fault_requests import FaultRequests

HELLO_WITHIN_S = 30.0
OBSERVE_WITHIN_S = 120.0
UNDO_WITHIN_S = 300.0
#: What installing a package may take, as the agent allows it: install, update, install.
PACKAGE_WITHIN_S = 2700.0
#: Nobody follows a log for longer, in seconds.
FOLLOW_WITHIN_S = 7 * 86_400.0
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


class Session(FaultRequests):
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

    def hello(
        self,
        *,
        root: str,
        services: str,
        control: str = "",
        honour_owners: bool = True,
        deadline_s: float = HELLO_WITHIN_S,
        **failpoints: int,
    ) -> Reply:
        """Return facts, manifest, transactions, unfinished and lock; writes nothing there."""
        return self._ask(
            {
                "do": "hello", "root": root, "services": services, "control": control,
                "honour_owners": honour_owners, **failpoints,
            },
            deadline_s,
        )  # fmt: skip

    def observe(
        self,
        *,
        paths: Mapping[str, str | None],
        secret: Sequence[str] = (),
        units: Mapping[str, Mapping[str, Any]] | None = None,
        packages: Sequence[str] = (),
        users: Sequence[str] = (),
        releases: Sequence[str] = (),
        deadline_s: float = OBSERVE_WITHIN_S,
    ) -> Reply:
        """Return the states of paths, units, packages, users and releases; writes nothing there."""
        return self._ask(
            {
                "do": "observe", "paths": dict(paths), "secret": list(secret),
                "units": {name: dict(asked) for name, asked in (units or {}).items()},
                "packages": list(packages), "users": list(users), "releases": list(releases),
            },
            deadline_s,
        )  # fmt: skip

    def attest(
        self,
        *,
        releases: Sequence[str] = (),
        paths: Sequence[str] = (),
        units: Mapping[str, Mapping[str, Any]] | None = None,
        deadline_s: float = OBSERVE_WITHIN_S,
    ) -> Reply:
        """Return evidence: hashed releases, paths, units with cmdline and cwd, the manifest."""
        return self._ask(
            {
                "do": "attest", "releases": list(releases), "paths": list(paths),
                "units": {name: dict(asked) for name, asked in (units or {}).items()},
            },
            deadline_s,
        )  # fmt: skip

    def apply(
        self,
        tx: str,
        *,
        kind: str,
        meta: Mapping[str, Any],
        steps: Sequence[Mapping[str, Any]],
        blobs: Mapping[str, bytes],
        switch: Mapping[str, Any] | None = None,
        quiet_s: float | None = None,
        deadline_s: float | None = None,
    ) -> Reply:
        """Run the steps as one transaction, which the host undoes unless it is committed.

        With a `switch` that needs its token on a new connection, and the host undoes by itself
        even if the agent dies. `blobs` are contents by SHA-256. Raises AgentError, DriftError or
        LockedError when the host is as it was, InDoubtError when that is not known.
        """
        request: dict[str, Any] = {
            "do": "apply", "tx": tx, "kind": kind, "meta": dict(meta),
            "steps": [dict(step) for step in steps], "blobs": list(blobs), "switch": switch,
        }  # fmt: skip
        if quiet_s is not None:
            request["quiet_s"] = quiet_s
        return self._ask(request, deadline_s or _apply_within_s(steps), blobs)

    def commit(self, tx: str, *, deadline_s: float = HELLO_WITHIN_S) -> Reply:
        """Keep what was applied, or let go of what was confirmed; may raise InDoubtError."""
        return self._ask({"do": "commit", "tx": tx}, deadline_s)

    def confirm(self, tx: str, token: str, *, deadline_s: float = HELLO_WITHIN_S) -> Reply:
        """Keep what another connection applied; returns the state that holds.

        Raises InDoubtError when no answer came; asked again, it answers the same.
        """
        return self._ask({"do": "confirm", "tx": tx, "token": token}, deadline_s)

    def hold(self, *, deadline_s: float) -> Reply:
        """Have the agent say anything; what it has applied is held for its full time again."""
        return self._ask({"do": "hold"}, deadline_s)

    def rollback(
        self,
        tx: str | None = None,
        *,
        to: str | None = None,
        meta: Mapping[str, Any] | None = None,
        deadline_s: float = UNDO_WITHIN_S,
    ) -> Reply:
        """Undo `tx`, or everything after `to`, or the last committed transaction."""
        return self._ask(
            {"do": "rollback", "tx": tx, "to": to, "meta": dict(meta or {})}, deadline_s
        )

    def recover(self, *, meta: Mapping[str, Any], deadline_s: float = UNDO_WITHIN_S) -> Reply:
        """Undo what a crash has left unfinished there, and nothing else."""
        return self._ask({"do": "recover", "meta": dict(meta)}, deadline_s)

    def prune(self, *, keep: int, keep_s: float, meta: Mapping[str, Any]) -> Reply:
        """Forget old transactions and releases, never what undoing the newest `keep` needs.

        Nor what is younger than `keep_s` seconds. Returns the ids and digests that went.
        """
        return self._ask(
            {"do": "prune", "keep": keep, "keep_s": keep_s, "meta": dict(meta)}, UNDO_WITHIN_S
        )

    def backup(self, tx: str, paths: Sequence[str], *, meta: Mapping[str, Any]) -> Reply:
        """Take a snapshot of the paths, or of all managed ones where none is named.

        Raises AgentError with nothing kept, LockedError while a deploy goes on there.
        """
        return self._ask(
            {"do": "backup", "tx": tx, "paths": list(paths), "meta": dict(meta)}, UNDO_WITHIN_S
        )

    def backups(self) -> list[Reply]:
        """Return every snapshot of the host, oldest first, and what is damaged of it."""
        said: Any = self._ask({"do": "backups"}, UNDO_WITHIN_S)
        return list(said)

    def plan_restore(self, snapshot: str) -> Reply:
        """Return what putting a snapshot back would change; writes nothing there."""
        return self._ask({"do": "plan_restore", "id": snapshot}, OBSERVE_WITHIN_S)

    def restore(
        self,
        tx: str,
        snapshot: str,
        seen: str,
        *,
        meta: Mapping[str, Any],
        switch: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Put a snapshot back as one transaction, which the host undoes unless it is committed.

        `seen` is what the plan said; raises DriftError when the host is another one since.
        """
        request = {
            "do": "restore", "tx": tx, "id": snapshot, "seen": seen, "meta": dict(meta),
            "switch": switch,
        }  # fmt: skip
        return self._ask(request, UNDO_WITHIN_S)

    def transactions(self) -> list[Reply]:
        """Return every transaction of the host with the paths that it changed, oldest first."""
        said: Any = self._ask({"do": "transactions"}, OBSERVE_WITHIN_S)
        return list(said)

    def units(self, names: Sequence[str]) -> dict[str, Reply]:
        """Return the state of units."""
        said = self.observe(paths={}, units={name: {} for name in names})
        return dict(said["units"])

    def kill(self, unit: str, signal: str = "KILL") -> None:
        """Send a signal to the unit's main process."""
        self._ask({"do": "kill", "unit": unit, "signal": signal}, HELLO_WITHIN_S)

    def operate(
        self, verb: str, units: Sequence[str], *, meta: Mapping[str, Any], wait_s: float
    ) -> Reply:
        """Start, stop or restart units; returns their states before and after, and a cause.

        Raises LockedError while a deploy goes on there.
        """
        request = {
            "do": "operate", "verb": verb, "units": list(units), "meta": dict(meta),
            "wait_s": wait_s,
        }  # fmt: skip
        return self._ask(request, UNDO_WITHIN_S + wait_s * max(1, len(units)))

    def probe(
        self, trials: Mapping[str, Mapping[str, Any]], units: Sequence[str], code: Sequence[str]
    ) -> Reply:
        """Return what came of each trial's forbidden actions, and the limits of the real units.

        A trial is {"service": lines of a [Service] section, "actions": names}; `code` are files
        that no unit may write to. Nothing stays on the host.
        """
        request = {
            "do": "probe", "trials": {name: dict(each) for name, each in trials.items()},
            "units": list(units), "code": list(code),
        }  # fmt: skip
        return self._ask(request, UNDO_WITHIN_S)

    def logs(
        self, units: Sequence[str], *, lines: int, since: str = "", follow: bool = False
    ) -> None:
        """Have what units logged sent as events; with `follow` until the session is closed."""
        request = {
            "do": "logs", "units": list(units), "lines": lines, "since": since, "follow": follow
        }  # fmt: skip
        self._ask(request, FOLLOW_WITHIN_S if follow else OBSERVE_WITHIN_S)

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


def _apply_within_s(steps: Sequence[Mapping[str, Any]]) -> float:
    """Return what the steps may take on the host, their undo included."""
    waits: float = sum(
        float(unit.get("wait_s", 60))
        for step in steps
        if step["do"] == "settle"
        for unit in step["units"]
    )
    packages = len([step for step in steps if step["do"] == "package"])
    return UNDO_WITHIN_S + 2 * waits + PACKAGE_WITHIN_S * packages


__all__ = ["BOOTSTRAP", "Session", "agent_archive", "command"]
