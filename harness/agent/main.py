"""Answer the laptop: one request after the other, and undo what it leaves uncommitted."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Mapping

from . import facts, lock, manifest, observing, opening
from .boundaries import BOUNDARIES
from .failing import SIGNALS, AgentError, GoneError, one_line, translated
from .frames import Channel
from .late import (
    deciding,
    faults,
    logs,
    operating,
    probing,
    pruning,
    restoring,
    rolling_back,
    snapshots,
    switch,
    transaction,
    undoing,
)
from .machine import Machine
from .store import PRUNED, UNFINISHED, Store, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Exit status of an agent that met what it cannot have met (sysexits.h: EX_SOFTWARE).
DEFECT = 70
#: An agent without a transaction ends by itself when nobody asks it anything, in seconds.
IDLE_S = 3600.0
#: A transaction that is not confirmed goes back when the laptop is silent this long, in seconds.
QUIET_S = 300.0


class Agent:
    """The agent of one connection: the machine it works on and the transaction it holds."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.machine: Machine | None = None
        self.quiet_s = IDLE_S
        self.applied: Transaction | None = None

    def serve(self) -> None:
        """Answer until the laptop leaves; then put back what it did not commit."""
        try:
            while not SIGNALS.waiting:
                frame, _ = self.channel.receive(self.quiet_s if self.applied else IDLE_S)
                self.channel.send(self._answer(frame))
        except GoneError:
            pass
        except AgentError as error:  # what comes after an unreadable frame cannot be trusted
            with contextlib.suppress(GoneError):
                self.channel.send({"error": error.frame()})
        finally:
            if self.applied is not None and self.machine is not None:
                self._put_back(self.machine, self.applied.id)

    def _put_back(self, machine: Machine, name: str) -> None:
        """Undo what was not committed; what that cannot do stays unfinished, and hello says so."""
        with contextlib.suppress(AgentError, OSError):
            tx = self.store.find(name)
            if tx.state in UNFINISHED:
                undoing.undo(machine, self.store, tx)
        self.lock.free()

    def _answer(self, frame: dict[str, Any]) -> dict[str, Any]:
        name = str(frame.get("do"))
        work = getattr(self, f"do_{'fault' if name.startswith('fault_') else name}", None)
        if work is None:
            return _request(f"the agent does not know how to {name!r}")
        if self.machine is None and name != "hello":
            return _request("the first request is hello")
        try:
            return {"reply": work(frame)}
        except KeyError as error:
            return _request(f"{name} needs {error}")
        except Exception as error:
            return {"error": translated(error, name).frame()}

    @property
    def here(self) -> Machine:
        """Return the machine, which hello has made."""
        assert self.machine is not None
        return self.machine

    def do_hello(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Tell who this is, what was deployed, what is unfinished and who holds the lock."""
        BOUNDARIES.arm(frame.get("die_at"), frame.get("full_at"), frame.get("stop_at"))
        self.machine = opening.machine(frame)
        self.store = Store(self.machine.store)
        self.lock = lock.Lock(self.machine.store)
        return {
            "facts": facts.gather(self.machine),
            "manifest": manifest.current(self.store),
            "transactions": [one.summary() for one in self.store.all()],
            "unfinished": [one.id for one in self.store.all() if one.state in UNFINISHED],
            "lock": lock.holder(self.machine.store),
        }

    def do_observe(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Tell the states that a plan is made from."""
        return observing.observe(self.here, frame)

    def do_attest(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Tell what a proof is made from."""
        newest = self.store.newest("applied", "committed", PRUNED)
        return {
            **observing.attest(self.here, frame),
            "manifest": newest.manifest() if newest else {},
            "tx": newest.id if newest else None,
            "tx_state": newest.state if newest else None,
            "facts": facts.gather(self.here),
            "clock_s": time.time(),
        }

    def do_transactions(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        """Tell every transaction with the paths that it changed."""
        del frame
        return [
            {
                **one.summary(),
                "meta": dict(one.meta),
                "paths": [r["path"] for r in one.journal.records() if "path" in r],
            }
            for one in self.store.all()
        ]

    def do_apply(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Run a transaction; until commit or rollback the lock stays taken."""
        blobs = self.channel.blobs(frame.get("blobs") or [], QUIET_S)
        kind = frame.get("kind", "deploy")
        return self._apply(frame, kind, "deploy", lambda: (frame["steps"], blobs))

    def do_restore(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Put a snapshot back, as a transaction like any other."""
        return self._apply(
            frame, "restore", "restore",
            lambda: restoring.steps(self.here, self.store, frame["id"], frame["seen"]),
        )  # fmt: skip

    def _apply(
        self, frame: dict[str, Any], kind: str, what: str,
        given: Callable[[], tuple[list[dict[str, Any]], dict[str, bytes]]],
    ) -> dict[str, Any]:  # fmt: skip
        """Run the steps that are given, with their contents, once nothing is unfinished."""
        self._refuse_applied()
        meta = {**frame.get("meta", {}), "kind": kind, "switch": frame.get("switch")}
        self.quiet_s = float(frame.get("quiet_s", QUIET_S))
        self.store.ensure()
        self.lock.take(meta, frame["tx"])
        try:
            rolling_back.recover(self.here, self.store, self._emit)
            steps, blobs = given()
            work = transaction.Work(
                self.here, self.store, blobs, self._emit, self.channel.check, what
            )
            reply = transaction.apply(work, frame["tx"], meta, steps)
            self.applied = self.store.find(frame["tx"])
        finally:
            if self.applied is None:
                self.lock.free()
        return self._counted(reply)

    def _refuse_applied(self) -> None:
        if self.applied is not None:
            raise AgentError("request", f"{self.applied.id} is neither committed nor rolled back")

    def do_backup(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Take a snapshot, of whole states only: what is unfinished goes back first."""
        self._refuse_applied()
        meta = frame.get("meta") or {}
        self.store.ensure()
        with self.lock.held(meta, frame["tx"]):
            rolling_back.recover(self.here, self.store, self._emit)
            return self._counted(
                snapshots.take(
                    self.here, self.store, frame["tx"], meta, frame["paths"], self.channel.check
                )
            )

    def do_backups(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        """Tell every snapshot, and whether it is whole; reads all of their contents."""
        del frame
        return snapshots.tell_all(self.store)

    def do_plan_restore(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Tell what putting a snapshot back would change."""
        return restoring.plan(self.here, self.store, frame["id"])

    def do_commit(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Keep what was applied, or let go of what was confirmed. Asked again, it says the same."""
        tx = self.store.find(frame["tx"])
        ours = self.applied is not None and self.applied.id == tx.id
        if tx.state != "committed":
            if not ours:
                cause = f"the transaction {tx.id} is {tx.state}, and not this session's to keep"
                raise AgentError("refused", cause)
            deciding.refuse_armed(tx)
        with SIGNALS.held_off():
            if tx.state != "committed":
                deciding.keep(self.here, self.store, tx)
            if ours:
                self.applied = None
                self.lock.free()
        return self._counted({"state": "committed", "tx": tx.id})

    def do_confirm(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Keep what another session applied, by the transaction's token."""
        if self.applied is not None:
            deciding.refuse_armed(self.applied)
        return self._counted(
            deciding.confirm(self.here, self.store, frame["tx"], str(frame["token"]))
        )

    def do_hold(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Be spoken to, and put off the moment at which the host goes back by itself."""
        del frame
        return {"left_s": switch.put_off(self.store, self.applied.id) if self.applied else None}

    def do_rollback(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Undo a transaction, or all that are newer than a given one."""
        if self.applied is not None and frame.get("tx") != self.applied.id:
            raise AgentError("request", f"{self.applied.id} is neither committed nor rolled back")
        if not self.store.all():
            raise AgentError("unknown", "there is nothing to roll back on this host")
        self.store.ensure()
        with self.lock.held(frame.get("meta") or {}, str(frame.get("tx") or frame.get("to") or "")):
            reply = rolling_back.roll_back(self.here, self.store, frame, self._emit)
        if self.applied is not None:
            self.applied = None
            self.lock.free()
        return self._counted(reply)

    def do_recover(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Undo what a crash has left unfinished, and nothing else."""
        self._refuse_applied()
        self.store.ensure()
        with self.lock.held(frame.get("meta") or {}, ""):
            undone = rolling_back.recover(self.here, self.store, self._emit)
        return self._counted({"undone": [one.report() for one in undone]})

    def do_prune(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Forget what the policy does not keep."""
        self._refuse_applied()
        self.store.ensure()
        with self.lock.held(frame.get("meta") or {}, ""):
            told = pruning.prune(
                self.here, self.store, keep=int(frame["keep"]), keep_s=float(frame["keep_s"]),
                now_s=time.time(),
            )  # fmt: skip
        return self._counted(dict(told))

    def do_kill(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Send a signal to a unit's main process."""
        self.here.services.kill(frame["unit"], frame.get("signal", "KILL"))
        return {"ok": True}

    def do_operate(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Start, stop or restart units by hand."""
        self._refuse_applied()
        self.store.ensure()
        with self.lock.held(frame.get("meta") or {}, frame["verb"]):
            return operating.operate(
                self.here, frame["verb"], frame["units"], float(frame["wait_s"]),
                self.channel.check,
            )  # fmt: skip

    def do_probe(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Try what the units must refuse, in units that are like them."""
        trials, units, code = frame["trials"], frame["units"], frame["code"]
        return probing.probe(self.here, trials, units, code, self.channel.check)

    def do_fault(self, frame: dict[str, Any]) -> Any:
        """Arm, observe, undo, list or heal faults, or tell the host's fingerprint."""
        self._refuse_applied()
        said = faults.answer(self.here, frame, self.channel.check)
        return self._counted(said) if isinstance(said, dict) else said

    def do_logs(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Tell what units have logged, line by line, as events; with follow until we are left."""
        units, lines, since = frame["units"], int(frame["lines"]), str(frame.get("since") or "")
        if frame.get("follow"):
            logs.follow(self.here, units, lines, since, self._emit, self.channel.check)
        else:
            logs.read(self.here, units, lines, since, self._emit)
        return {"ok": True}

    def _emit(self, event: Mapping[str, Any]) -> None:
        self.channel.send(dict(event))

    @staticmethod
    def _counted(reply: dict[str, Any]) -> dict[str, Any]:
        if BOUNDARIES.counting:
            reply["boundaries"] = BOUNDARIES.passed
        return reply


def _request(cause: str) -> dict[str, Any]:
    return {"error": AgentError("request", cause).frame()}


def main() -> None:
    """Serve frames on stdin and stdout; anything else that prints goes to stderr."""
    with contextlib.suppress(OSError):
        os.setsid()
    os.umask(0o022)
    gc.enable()  # the bootstrap has it off: what is being loaded is no garbage
    SIGNALS.install()
    outgoing = os.dup(1)
    os.dup2(2, 1)
    try:
        Agent(Channel(0, outgoing)).serve()
    except BaseException as error:
        sys.stderr.write(f"the agent ended: {one_line(error)}\n")
        sys.exit(DEFECT)
