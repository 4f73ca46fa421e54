"""Shut the gates to trading on a host: its execution's env file and processes, and nothing else.

No proof is asked, nor that a process comes up again, as it does not while Redis is away: either
would put the open gates back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from harness.agent.services import UP
from harness.contact import Contact
from harness.deploying import Prepared, Wanted, apply, observe
from harness.desired import Desired, DesiredPath, DesiredUnit, compose
from harness.errors import QuantumError
from harness.host import Host
from harness.manifests import unit_files
from harness.planning import READY_WITHIN_S, plan
from harness.rendering import render
from roles.execution import ROLE

DIGEST = "QUANTUM_ENV_DIGEST"


def shut(contact: Contact, transaction: str, meta: Mapping[str, Any]) -> str:
    """Return "committed", or why there was nothing to do; whatever was changed by hand is replaced.

    Raises QuantumError where the gates may be open still.
    """
    if ROLE.env not in contact.manifest:
        return "nothing is deployed"
    prepared = narrow(contact)
    if prepared.plan.steps:
        apply(prepared, transaction, meta)
        contact.session.commit(transaction)
    told = ["committed" if prepared.plan.steps else "unchanged"]
    if old := _as_before(contact, prepared):  # one that waits for Redis may be slow to end
        contact.session.operate("stop", old, meta=meta, wait_s=0)
        told.append(f"{', '.join(old)} stopped")
        old = _as_before(contact, prepared)
    if old:
        raise QuantumError(
            f"{', '.join(old)} runs on as before", host=contact.host.name, step="trading.disable",
            action="invoke consumers.stop --only execution",
        )  # fmt: skip
    states = contact.session.units(_executors(contact))
    late = [name for name, state in states.items() if state["active"] == "activating"]
    told += [f"{', '.join(late)} not ready yet"] if late else []
    return "; ".join(told)


def _as_before(contact: Contact, prepared: Prepared) -> list[str]:
    """Return the units whose process was started with another env file."""
    (env,) = prepared.wanted.desired.paths
    return [
        name for name, state in contact.session.units(_executors(contact)).items()
        if state["main_pid"] and state["environ"].get(DIGEST) != _digest(env)
    ]  # fmt: skip


def _digest(env: DesiredPath) -> str:
    return env.content.partition(b"\n")[0].partition(b"=")[2].decode()


def _executors(contact: Contact) -> list[str]:
    """Return its units, those too that the inventory has no more instances for."""
    prefix = f"quantum-{ROLE.service}@"
    return [name for name in unit_files(contact.manifest) if name.startswith(prefix)]


def narrow(contact: Contact) -> Prepared:
    """Return the plan of these few steps; what does not run is not made to."""
    files, env = unit_files(contact.manifest), env_of(contact.host)
    states = contact.session.units(_executors(contact))
    units = tuple(
        DesiredUnit(name, ROLE.service, files[name][0], {DIGEST: _digest(env)}, env=ROLE.env)
        for name, state in states.items()
        if state["active"] in UP
    )
    desired = Desired((), "", (), (env,), units)
    seen = observe(dataclasses.replace(contact, manifest={}), desired)
    within_s = contact.host.number("ready_within_s", READY_WITHIN_S)
    made = plan(desired, seen, ready_within_s=within_s)
    steps = tuple(
        dataclasses.replace(step, words={**step.words, "anyhow": True})
        if step.do == "settle" else step
        for step in made.steps
    )  # fmt: skip
    return Prepared(contact, Wanted(desired, None), seen, dataclasses.replace(made, steps=steps))


def env_of(host: Host) -> DesiredPath:
    """Return the env file as every deploy renders it: shut."""
    composed = compose(host, tuple(ROLE.resources(host)), "0" * 64, render)
    return next(one for one in composed.paths if one.path == ROLE.env)
