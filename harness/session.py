"""What the laptop may ask an agent, each under a deadline; what a session can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.channel import UNDO_WITHIN_S, Reply
from harness.fault_requests import FaultRequests

HELLO_WITHIN_S = 30.0
OBSERVE_WITHIN_S = 120.0
#: What installing a package may take, as the agent allows it: install, update, install.
PACKAGE_WITHIN_S = 2700.0
#: Nobody follows a log for longer, in seconds.
FOLLOW_WITHIN_S = 7 * 86_400.0


class Session(FaultRequests):
    """What one agent can be asked."""

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
