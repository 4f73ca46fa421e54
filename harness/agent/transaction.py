"""One transaction: check everything, journal, do, and on any trouble undo."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import (
    manifest,
    packages,
    paths,
    placing,
    releases,
    settling,
    space,
    store,
    switch,
    users,
)
from .failing import IN_DOUBT, ROLLED_BACK, AgentError, one_line, translated
from .machine import RELEASES, Machine
from .states import observe
from .undoing import Undone, undo

Emit = Callable[[Mapping[str, Any]], None]
_FIELDS = {
    "package": ("name",),
    "user": ("name",),
    "release": ("digest", "blob"),
    "dir": ("path", "mode", "owner", "group"),
    "file": ("path", "blob", "sha256", "mode", "owner", "group"),
    "symlink": ("path", "target"),
    "absent": ("path",),
    "settle": ("units",),
}


@dataclass
class Work:
    """What the steps of one apply share."""

    machine: Machine
    transactions: store.Store
    blobs: Mapping[str, bytes]
    emit: Emit
    check: Callable[[], None]  #: raises GoneError when the laptop has left
    what: str = "deploy"  #: what a person typed, for the error that says to type it again


def apply(
    work: Work, name: str, meta: Mapping[str, Any], steps: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Run the steps as one transaction and return the reply; the caller holds the lock.

    Raises AgentError: "unchanged" when a check refused, "rolled_back" when a step failed and
    everything was put back, "in_doubt" when the undo failed too.
    """
    states = refuse(work, steps)
    tx = None
    step = "journal"
    try:
        tx = work.transactions.create(name, meta)
        keep_agent(tx)
        space.keep_ballast(tx.ballast, space.ballast_bytes(states))
        if asked := meta.get("switch"):
            step = "switch"
            switch.arm(work.machine, tx, float(asked["ttl_s"]))
            step = "journal"
        tx.journal.append(settling.hold(work.machine, steps))
        for index, each in enumerate(steps):
            step = title(each)
            work.check()
            switch.before_step(tx, each)
            begun = time.monotonic()
            _run(work, tx, steps, index)
            work.emit(
                {
                    "event": "step", "index": index, "of": len(steps), "do": each["do"],
                    "what": what(each), "took_ms": round((time.monotonic() - begun) * 1000),
                }
            )  # fmt: skip
        step = "manifest"
        records = tx.journal.records()
        after = manifest.compose(work.machine, manifest.current(work.transactions), records)
        sha256 = manifest.write(tx, after)
        tx = work.transactions.turn(tx, "applied")
        switch.put_off(work.transactions, name)
    except BaseException as error:
        failure = translated(error, step)
        if failure.kind == "space":
            failure.action = space.action(work.what)
        put_back(work, work.transactions.find(name) if _exists(work, name) else None, failure)
        raise failure from error
    changed = [record["path"] for record in records if "path" in record]
    return {"state": "applied", "tx": name, "changed": changed, "manifest_sha256": sha256}


def _exists(work: Work, name: str) -> bool:
    return any(one.id == name for one in work.transactions.all())


def put_back(work: Work, tx: store.Transaction | None, failure: AgentError) -> Undone | None:
    """Undo after a failure and say in it how that went."""
    if tx is None:
        return None
    try:
        undone = undo(work.machine, work.transactions, tx)
    except AgentError as error:
        failure.cause += f"; and {error.cause}"
        failure.action = error.action
        failure.state = IN_DOUBT
        return None
    failure.state = ROLLED_BACK
    if undone.problems:
        failure.cause += f"; everything was put back, but {'; '.join(undone.problems)}"
    return undone


def refuse(work: Work, steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Check every step before the first runs; returns what is at their paths."""
    made: set[str] = set()
    installing = False
    named = [each.get("path") for each in steps if each.get("do") in paths.KINDS]
    if len(named) != len(set(named)):
        raise AgentError("request", "two steps change the same path")
    states = []
    for each in steps:
        missing = [key for key in _FIELDS.get(str(each.get("do")), ("do",)) if key not in each]
        if missing or each["do"] not in _FIELDS:
            raise AgentError("request", f"a step {each.get('do')!r} without {missing}")
        try:
            states.append(_refuse_one(work, each, made, installing=installing))
        except (AgentError, OSError) as error:
            raise translated(error, title(each)) from None
        installing = installing or each["do"] in {"package", "user"}
    space.refuse_shortage(work.machine, steps, states, work.blobs, work.what)
    return states


def _refuse_one(
    work: Work, step: Mapping[str, Any], made: set[str], *, installing: bool
) -> dict[str, Any]:
    if step["do"] == "file":
        paths.content(step, work.blobs)
    if step["do"] == "release":
        if step["blob"] not in work.blobs:
            raise AgentError("request", "the release was not sent")
        releases.refuse(work.machine, step, made)
    if step["do"] not in paths.KINDS:
        return {}
    return paths.refuse(work.machine, step, made, users_may_come=installing)


def _run(work: Work, tx: store.Transaction, steps: Sequence[dict[str, Any]], index: int) -> None:
    step, machine, number = steps[index], work.machine, index + 1
    if step["do"] == "package":
        if packages.versions(machine, [step["name"]])[step["name"]] is None:
            tx.journal.append({"n": number, "do": "package", "name": step["name"]})
            packages.install(machine, step["name"], work.check)
            _take_what_the_package_brought(machine, steps[index + 1 :])
    elif step["do"] == "user":
        if not users.known(machine, [step["name"]])[step["name"]]:
            tx.journal.append({"n": number, "do": "user", "name": step["name"]})
            users.make(step["name"])
    elif step["do"] == "release":
        if not releases.complete(machine, step["digest"]):
            record = releases.record(machine, step, number)
            tx.journal.append(record)
            releases.do(machine, step, record, work.blobs[step["blob"]])
    elif step["do"] == "settle":
        tx.journal.append({"n": number, "do": "settle"})
        settling.do(machine, step, work.check)
    else:
        blob = paths.content(step, work.blobs) if step["do"] == "file" else b""
        if step.get("verify") == "unit":
            _verify_unit(machine, tx, step["path"], blob)
        record = paths.record(machine, step, number, tx)
        tx.journal.append(record)
        paths.do(machine, step, record, blob)


def _take_what_the_package_brought(machine: Machine, later: Sequence[dict[str, Any]]) -> None:
    """Let undo go back to what the package placed where nothing was before."""
    for step in later:
        if step["do"] in paths.KINDS and step.get("before", {}).get("kind") == "absent":
            step["before"] = observe(machine, step["path"], None, secret=True)


def _verify_unit(machine: Machine, tx: store.Transaction, path: str, content: bytes) -> None:
    folder = os.path.join(tx.folder, "verify")
    beside = os.path.join(folder, os.path.basename(path))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    try:
        placing.whole(beside, content)
        wrong = machine.services.verify(beside)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
    if wrong:
        raise AgentError(
            "refused", f"systemd-analyze refuses it: {'; '.join(wrong[:3])}",
            action="mend the unit's template",
        )  # fmt: skip


def keep_agent(tx: store.Transaction) -> None:
    """Keep the agent that wrote the journal, so that the same one can play it backwards."""
    archive = getattr(globals().get("__loader__"), "archive", "")
    if archive:
        with open(archive, "rb") as file:
            placing.whole(os.path.join(tx.folder, "agent.pyz"), file.read())


def what(step: Mapping[str, Any]) -> str:
    """Return what a step is about: a path, a package, units."""
    if step["do"] == "release":
        return f"{RELEASES}/{step['digest']}"
    if step["do"] == "settle":
        return " ".join(unit["name"] for unit in step["units"] if unit["action"] != "none")
    return str(step.get("path") or step.get("name"))


def title(step: Mapping[str, Any]) -> str:
    """Return a step's name in an error."""
    return f"{step['do']} {what(step)}".strip()


__all__ = ["Work", "apply", "keep_agent", "one_line", "put_back", "refuse"]
