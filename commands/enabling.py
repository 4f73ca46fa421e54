"""Switch trading on: look at everything that could be wrong, ask, deploy, and only then unlock."""

from __future__ import annotations

import dataclasses
import getpass
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from commands import deploy, proving, recording
from commands.choosing import Chosen
from commands.records_of_intents import read
from commands.showing import Display
from commands.stores import asked, each_store, executors
from commands.wanting import wanted
from harness import fanout
from harness.contact import Contact, raise_together, reach_all
from harness.deploying import prepare
from harness.drifting import examine
from harness.errors import DONE, FAILED, ConfigurationError, DriftError, InDoubtError, QuantumError
from harness.host import Host
from proofs.finding import Verdict
from roles.execution import ROLE, trading
from streams import intents

STEP = "trading.enable"
#: What a step does to a path, beside what units are made to do.
PLACING = frozenset({"create", "change", "remove", "install"})
#: More than a few identities help nobody to find the first.
NAMED_MOST = 5


def carry_out(chosen: Chosen, display: Display, *, typed: str = "") -> dict[str, Any]:
    """Return what happened as one document. Raises QuantumError where nothing was changed."""
    hosts = executors(chosen)
    opened = tuple(trading(host) for host in hosts)  # refuses a sandbox before anything is reached
    chosen = dataclasses.replace(chosen, hosts=hosts)
    started, git = time.time(), recording.git_state()
    with reach_all(hosts, display) as contacts:
        display.stage("comparing the hosts with what was deployed")
        refuse_drift(contacts)
        refuse_other_changes(contacts, {host.name: host for host in opened})
        claims = proving.prove(contacts, git, display)
        display.claims(claims)
    refuse_unproved(claims)
    refuse_unknown(chosen, display)
    display.idle()
    expect_confirmation(chosen, hosts, display, typed)

    outcome = deploy.carry_out(dataclasses.replace(chosen, hosts=opened), display, yes=True)
    done = outcome.state in ("committed", "unchanged")
    with each_store(chosen, display) as contacts:
        if done:
            for contact in contacts:
                asked(contact, lambda c: c.delete(intents.KILL_SWITCH), STEP, changes=True)
        entry = recording.write(
            chosen, "trading", "enabled" if done else outcome.state, contacts,
            started=started, ended=time.time(), claims=claims,
            subjects=recording.subjects(claims), git=git,
            details={
                "by": getpass.getuser(), "hosts": [host.name for host in hosts],
                "deploy": outcome.document(), "trading": "on" if done else "off",
            },
        )  # fmt: skip
    names = ", ".join(host.name for host in hosts)
    if done:
        display.say(f"TRADING IS ON ({chosen.inventory.mode}) on {names}", "bold red")
        display.say("off again: invoke trading.disable; any deploy switches it off, too", "dim")
    else:
        display.say(f"trading stays off: the deploy ended {outcome.state}", "bold green")
    display.record(chosen.inventory.records / entry.id)
    return {
        "trading": "on" if done else "off",
        "hosts": [host.name for host in hosts],
        "deploy": outcome.document(),
        "record": entry.id,
        "exit_code": DONE if done else outcome.exit_code or FAILED,
    }


def refuse_drift(contacts: Sequence[Contact]) -> None:
    """Raise DriftError where a host is not what was deployed, or nothing was."""
    for contact in contacts:
        if not any(each.get("state") == "committed" for each in contact.transactions):
            raise ConfigurationError(
                "nothing was deployed here yet", host=contact.host.name, step=STEP,
                action="invoke deploy, then invoke proof",
            )  # fmt: skip
    answers = fanout.each(contacts, examine)
    raise_together(fanout.errors(answers))
    for answer in answers:
        if answer.result:
            raise DriftError(
                f"{answer.result[0].path} is not what was deployed", host=answer.item.host.name,
                step=STEP, action="invoke drift shows all of it; invoke deploy puts it right",
            )  # fmt: skip


def refuse_other_changes(contacts: Sequence[Contact], opened: Mapping[str, Host]) -> None:
    """Raise where the deploy that opens the gates would bring anything else along, unproved."""

    def one(contact: Contact) -> str:
        wants = wanted(opened[contact.host.name], contact.facts)
        steps = prepare(contact, wants).plan.steps
        return next((s.what for s in steps if s.verb in PLACING and s.what != ROLE.env), "")

    answers = fanout.each(contacts, one)
    raise_together(fanout.errors(answers))
    for answer in answers:
        if answer.result:
            raise ConfigurationError(
                f"{answer.result} would change, too: only what was proved may trade",
                host=answer.item.host.name, step=STEP,
                action="invoke deploy, then invoke trading.enable",
            )  # fmt: skip


def refuse_unproved(claims: Sequence[proving.Claimed]) -> None:
    """Raise unless every claim is proved now; unknown is no pass, and no claim at all is none."""
    refused = [claim for claim in claims if claim.finding.verdict is not Verdict.proved]
    if claims and not refused:
        return
    kind: type[QuantumError] = QuantumError
    if not any(claim.finding.verdict is Verdict.refuted for claim in refused):
        kind = InDoubtError
    first = refused[0] if refused else None
    raise kind(
        f"{first.subject} is {first.finding.verdict.name}: {'; '.join(first.finding.reasons)}"
        if first else "no role of these hosts claims anything, so nothing is proved",
        host=first.where if first else "", step=STEP,
        action="invoke proof, until all of it is proved; trading stays off",
    )  # fmt: skip


def refuse_unknown(chosen: Chosen, display: Display) -> None:
    """Raise where an order is out there of which nobody knows what became."""
    with each_store(chosen, display) as contacts:
        for contact in contacts:
            found = asked(contact, lambda c: read(c, intents.UNKNOWN), STEP, changes=False)
            if found:
                names = ", ".join(each["identity"] for each in found[:NAMED_MOST])
                raise InDoubtError(
                    f"{len(found)} intents are UNKNOWN: {names}", host=contact.host.name, step=STEP,
                    action="invoke intents.list --state UNKNOWN, then intents.resolve each",
                )  # fmt: skip


def words_to_type(chosen: Chosen, hosts: Sequence[Host]) -> str:
    """Return what must be typed: the inventory's name, and where money is traded the hosts."""
    name = chosen.inventory.name
    return f"{name} {len(hosts)}" if chosen.inventory.mode == "live" else name


def expect_confirmation(
    chosen: Chosen, hosts: Sequence[Host], display: Display, typed: str
) -> None:
    """Raise unless the right words are typed; --yes is none of them, and no terminal is a no."""
    words = words_to_type(chosen, hosts)
    for host in hosts:
        exchange = host.text("exchange", "paper")
        display.say(
            f"{host.name}  {host.address or host.name}  mode {host.mode}  {exchange}", "cyan"
        )
    if not typed and sys.stdin.isatty():
        sys.stderr.write(f"orders will be placed from these hosts. Type {words!r} to go on: ")
        sys.stderr.flush()
        typed = sys.stdin.readline().strip()
    if typed != words:
        raise ConfigurationError(
            "not confirmed; trading stays off", step=STEP,
            action=f"type {words!r} when asked, or --confirm {words!r} where there is no terminal",
        )  # fmt: skip
