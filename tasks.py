"""Wires the commands into Invoke's namespaces; no logic lives here."""

from __future__ import annotations

import sys
from typing import Any

from invoke.collection import Collection
from invoke.tasks import Task

from commands import (
    allowing,
    backup,
    consumers,
    demo,
    deploy,
    doctor,
    drift,
    faults,
    hosts,
    intents,
    inventory,
    lab,
    ledger,
    prove,
    rollback,
    sandbox,
    trading,
)
from commands.running import end_quietly_if_only_printing

end_quietly_if_only_printing(sys.argv)
namespace = Collection()
for task in (
    demo.demo, doctor.doctor, deploy.plan, deploy.deploy, rollback.rollback, drift.drift,
    ledger.history,
):  # fmt: skip
    namespace.add_task(task)


def group(name: str, *tasks: Task[Any], default: Task[Any] | None = None) -> None:
    """Add a namespace; `default` is what the bare name runs."""
    collection = Collection(name)
    for each in tasks:
        collection.add_task(each)
    if default is not None:
        collection.add_task(default, default=True)
    namespace.add_collection(collection)


group("proof", ledger.show_proof, ledger.explain, default=prove.proof)
group("ledger", ledger.show, ledger.verify)
group(
    "consumers", consumers.run, consumers.start, consumers.stop, consumers.restart, consumers.logs
)
group("trading", trading.enable, trading.disable)
group("intents", intents.list_intents, intents.resolve)
group("backup", backup.list_snapshots, backup.restore, default=backup.backup)
group("inventory", inventory.show)
group("hosts", hosts.trust)
group(
    "faults", faults.list_scenarios, faults.run_scenario, faults.day, faults.resume, faults.shrink,
    faults.replay, faults.heal, allowing.allow, allowing.forbid,
)  # fmt: skip
group("sandbox", sandbox.down)
group("lab", lab.up, lab.down, lab.ssh)
