"""Switch trading on: look at everything that could be wrong, ask, deploy, and only then unlock.

The kill switch is down from before the gates open until the deploy's own gate has passed and the
record is written: what is refused in the end has not placed an order in between.
"""

from __future__ import annotations

import dataclasses
import getpass
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import redis

from commands import deploy, proving, recording
from commands.choosing import Chosen
from commands.outcomes import Outcome
from commands.records_of_intents import read
from commands.showing import Display
from commands.stores import asked, each_store, executors
from commands.undoing import REACHED
from commands.wanting import wanted
from harness import fanout
from harness.contact import Contact, raise_together, reach_all
from harness.deploying import prepare
from harness.drifting import examine
from harness.errors import DONE, FAILED, ConfigurationError, DriftError, InDoubtError, QuantumError
from harness.host import Host
from proofs.finding import Verdict
from roles.execution import ROLE, trading
from streams import intents, keys, kill_switch

STEP = "trading.enable"
#: What a step does to a path, beside what units are made to do.
PLACING = frozenset({"create", "adopt", "change", "remove", "install"})
#: More than a few identities help nobody to find the first.
NAMED_MOST = 5


def carry_out(chosen: Chosen, display: Display, *, typed: str = "") -> dict[str, Any]:
    """Return what happened as one document. Raises QuantumError where trading stays as it was."""
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
    refuse_left_out(chosen, display)
    display.idle()
    expect_confirmation(chosen, hosts, display, typed)

    held = hold(chosen, display)
    failure: QuantumError | None = None
    try:
        outcome = deploy.carry_out(dataclasses.replace(chosen, hosts=opened), display, yes=True)
    except QuantumError as error:
        outcome, failure = Outcome("failed", reasons=(str(error),)), error
    done = outcome.state in ("committed", "unchanged")
    details = {
        "by": getpass.getuser(), "hosts": [host.name for host in hosts],
        "deploy": outcome.document(), "trading": "on" if done else "off",
    }  # fmt: skip
    # before the last lock is opened: what could not be recorded does not trade
    entry = recording.write(
        chosen, "trading", "enabled" if done else outcome.state, contacts,
        started=started, ended=time.time(), claims=claims,
        subjects=recording.subjects(claims), git=git, details=details,
    )  # fmt: skip
    display.record(chosen.inventory.records / entry.id)
    if failure:
        raise failure
    if done:
        unlock(chosen, display, held)
    _tell(chosen, hosts, outcome, display, done=done)
    code = DONE if done else outcome.exit_code or FAILED
    return {**details, "record": entry.id, "exit_code": code}


def _tell(
    chosen: Chosen, hosts: Sequence[Host], outcome: Outcome, display: Display, *, done: bool
) -> None:
    display.idle()
    if not done:
        display.say(f"trading stays off: the deploy ended {outcome.state}", "bold green")
        return
    names = ", ".join(host.name for host in hosts)
    display.say(f"TRADING IS ON ({chosen.inventory.mode}) on {names}", "bold red")
    display.say("off again: invoke trading.disable; any deploy switches it off, too", "dim")


def hold(chosen: Chosen, display: Display) -> dict[str, Any]:
    """Have every kill switch down, somebody's or our own; return what each says, by host."""
    now = datetime.now(UTC).isoformat("T", "seconds")
    words = kill_switch.order(getpass.getuser(), now, "trading.enable: until its gate has passed")
    with each_store(chosen, display) as contacts:
        held = {
            contact.host.name: asked(
                contact, lambda c: kill_switch.hold(c, words), STEP, changes=True
            )
            for contact in contacts
        }
    for name, said in held.items():
        if said is None:
            raise ConfigurationError(
                "somebody else enables trading at this very moment", host=name, step=STEP,
                action="agree with them, then look at invoke history",
            )  # fmt: skip
    return held


def unlock(chosen: Chosen, display: Display, held: Mapping[str, Any]) -> None:
    """Lift the kill switches that were seen; where one stays down, all of them go down again.

    Raises QuantumError: trading is off, and recorded as such.
    """
    display.stage("lifting the kill switch")
    started, trouble = time.time(), ""
    with each_store(chosen, display) as contacts:
        for contact in contacts:
            seen = held[contact.host.name]
            try:
                if not asked(contact, partial(kill_switch.lift, seen=seen), STEP, changes=True):
                    trouble = f"{contact.host.name}: somebody has thrown the kill switch meanwhile"
            except QuantumError as error:
                trouble = str(error)
            if trouble:
                break
        if not trouble:
            return
        now = datetime.now(UTC).isoformat("T", "seconds")
        words = kill_switch.order(getpass.getuser(), now, f"trading.enable failed: {trouble}")
        answers = fanout.each(
            contacts,
            lambda each: asked(each, lambda c: kill_switch.hold(c, words), STEP, changes=True),
        )
    lost = fanout.errors(answers)
    recording.write(
        chosen, "trading", "in_doubt" if lost else "failed", contacts, started=started,
        ended=time.time(), git=recording.git_state(),
        details={"by": getpass.getuser(), "trading": "unknown" if lost else "off", "why": trouble},
    )  # fmt: skip
    kind: type[QuantumError] = InDoubtError if lost else QuantumError
    raise kind(
        f"{trouble}; the gates are open on the hosts, and "
        + ("not every kill switch is known to be down" if lost else "the kill switch holds"),
        step=STEP, action="invoke trading.disable shuts the gates, too",
    )  # fmt: skip


def refuse_drift(contacts: Sequence[Contact]) -> None:
    """Raise DriftError where a host is not what was deployed, or nothing was."""
    for contact in contacts:
        if not any(each.get("state") in REACHED for each in contact.transactions):
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
            records = asked(contact, lambda c: read(c, intents.UNKNOWN), STEP, changes=False)
            if records.found:
                names = ", ".join(each["identity"] for each in records.found[:NAMED_MOST])
                raise InDoubtError(
                    f"{len(records.found)} intents are UNKNOWN: {names}", host=contact.host.name,
                    step=STEP,
                    action="invoke intents.list --state UNKNOWN, then intents.resolve each",
                )  # fmt: skip
            if not records.whole:
                raise InDoubtError(
                    "there are more intents than could be read, and one of them may be UNKNOWN",
                    host=contact.host.name, step=STEP,
                    action="wait until old records have run out, seven days after they ended",
                )  # fmt: skip


def refuse_left_out(chosen: Chosen, display: Display) -> None:
    """Raise where lifting the kill switch would let others trade, too, unproved."""
    names = {host.name for host in chosen.hosts}
    with each_store(chosen, display) as contacts:
        for contact in contacts:
            group = contact.host.text("group_execution", intents.GROUP_EXECUTION)
            others = asked(contact, partial(held_back, group=group), STEP, changes=False)
            others = [each for each in others if each.rpartition("-")[0] not in names]
            if others:
                raise ConfigurationError(
                    f"the kill switch is down, and holds back {', '.join(others)}, too", step=STEP,
                    host=contact.host.name,
                    action="invoke trading.disable for these, or enable them together",
                )  # fmt: skip


def held_back(client: redis.Redis, group: str) -> list[str]:
    """Return the living executors whose gates are open while the kill switch is down."""
    if not client.exists(intents.KILL_SWITCH):
        return []
    found = []
    for name in client.scan_iter(f"{intents.standing('')}*", count=1_000, _type="hash"):
        consumer = name.decode().removeprefix(intents.standing(""))
        is_open = client.hget(name, "trading") == b"ON"
        if is_open and client.exists(keys.heartbeat(group, consumer)):
            found.append(consumer)
    return sorted(found)


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
