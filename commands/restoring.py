"""Put a snapshot back on many hosts: show, ask, restore, look again, then keep it or undo it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commands import recording, transactions
from commands.choosing import Chosen
from commands.disabling import keep_shut
from commands.outcomes import together
from commands.running import confirm
from commands.showing import VERBS, Display, diff_style
from commands.snapshots import meant
from harness import fanout
from harness.contact import Contact, raise_together, reach_all
from harness.desired import DesiredPath
from harness.differences import describe
from harness.errors import DONE, FAILED, IN_DOUBT, ConfigurationError
from harness.switches import Switch

#: What else may differ, where the lines of a plan say nothing of it.
QUIET = {"mtime_ns": "time of change", "xattrs": "extended attributes"}


@dataclass(frozen=True, slots=True)
class Restoring:
    """One host, and what putting the snapshot back would change on it."""

    contact: Contact
    plan: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return the host's name."""
        return self.contact.host.name


def carry_out(chosen: Chosen, wanted: str, display: Display, *, yes: bool) -> dict[str, Any]:
    """Restore one snapshot on every chosen host or on none; returns what `--json` prints."""
    with reach_all(chosen.hosts, display) as contacts:
        snapshot = meant(contacts, wanted)
        transactions.recover_all(chosen, contacts)
        display.stage(f"reading the snapshot {snapshot}")
        answers = fanout.each(contacts, lambda c: Restoring(c, c.session.plan_restore(snapshot)))
        raise_together(fanout.errors(answers))
        all_of = fanout.results(answers)
        told = {each.name: document(each.plan, _secrets(chosen)) for each in all_of}
        _show(told, display)
        changing = [each for each in all_of if each.plan["changes"]]
        said = {"snapshot": snapshot, "plan": told}
        if not changing:
            display.say("zero changes: everything is as it was kept", "bold green")
            return {**said, "state": "unchanged", "hosts": {}, "exit_code": DONE}
        if not confirm("put these paths back?", yes=yes):
            raise ConfigurationError(
                "not confirmed; nothing was changed", step="restore",
                action=f"invoke backup.restore --id {snapshot} --yes",
            )  # fmt: skip
        # an env file of another day may have been one that trades
        doubtful = keep_shut(chosen, [each.contact for each in changing], display)
        outcome = _run(chosen, changing, snapshot, display)
        if doubtful:
            outcome["may_trade"] = doubtful
            outcome["exit_code"] = max(int(outcome["exit_code"]), IN_DOUBT)
        return {**said, **outcome}


def _run(
    chosen: Chosen, changing: Sequence[Restoring], snapshot: str, display: Display
) -> dict[str, Any]:
    """Restore, look whether all of it is back, keep it everywhere or undo it everywhere; record."""
    transaction, switch, started = transactions.new_id(), Switch(), time.time()
    by = transactions.meta(chosen, recording.git_state())
    display.stage("restoring")

    def one(each: Restoring) -> list[str]:
        session = each.contact.session
        words = switch.words(each.contact.host)
        session.restore(transaction, snapshot, each.plan["seen"], meta=by, switch=words)
        return [change["path"] for change in session.plan_restore(snapshot)["changes"]]

    answers = fanout.each(changing, one)
    states = {each.item.name: transactions.state_after(each.error) for each in answers}
    reasons = [str(error) for error in fanout.errors(answers)]
    applied = [each.item for each in answers if each.error is None]
    for each in answers:
        reasons += [f"{each.item.name}: {path} is not what was kept" for path in each.result or ()]
    ends = transactions.finish(applied, transaction, switch, display, commit=not reasons)
    reasons += [] if reasons else [str(error) for error in transactions.late(ends)]
    states |= ends
    state = together(states.values())
    state = "restored" if state == "committed" else state
    display.idle()
    for reason in reasons:
        display.say(f"  {reason}", "red")
    entry = recording.write(
        chosen, "restore", state, [each.contact for each in changing], started=started,
        ended=time.time(), git=by["git"], identity=transaction,
        details={
            "snapshot": snapshot, "states": states, "reasons": reasons,
            "steps": [
                {"host": each.name, "name": f"restore {change['path']}"}
                for each in changing for change in each.plan["changes"]
            ],
        },
    )  # fmt: skip
    style = {"restored": "bold green", "in_doubt": "bold yellow"}.get(state, "bold red")
    hosts = ", ".join(f"{host} {each}" for host, each in states.items())
    display.say(f"{state}: {hosts}  ({transaction})", style)
    if state == "restored":
        display.say("no unit was restarted; invoke consumers.restart, or invoke rollback", "cyan")
    display.record(chosen.inventory.records / entry.id)
    return {
        "state": state, "hosts": states, "transaction": transaction, "reasons": reasons,
        "record": entry.id,
        "exit_code": {"restored": DONE, "in_doubt": IN_DOUBT}.get(state, FAILED),
    }  # fmt: skip


def document(plan: Mapping[str, Any], secrets: Sequence[str] = ()) -> dict[str, Any]:
    """Return a host's plan as it is shown; no secret's value is in it. Pure."""
    return {
        "changes": [
            {
                "path": change["path"],
                "verb": verb(change),
                "lines": [_masked(line, secrets) for line in lines(change)],
            }
            for change in plan["changes"]
        ],
        "left": list(plan["left"]),
        "same": plan["same"],
    }


def verb(change: Mapping[str, Any]) -> str:
    """Return create, change or remove. Pure."""
    if change["was"]["kind"] == "absent":
        return "remove"
    return "create" if change["now"]["kind"] == "absent" else "change"


def lines(change: Mapping[str, Any]) -> list[str]:
    """Return how a path would change; a content only where the agent has told it. Pure."""
    was, now, differs = change["was"], change["now"], change["differs"]
    if was["kind"] == "absent":
        return [f"{now['kind']} that was not there"]
    text = str(was.get("text", ""))
    wanted = DesiredPath(
        change["path"], was["kind"], was.get("mode", 0), was["owner"], was["group"],
        content=text.encode(), target=was.get("target", ""), secret="text" not in was,
    )  # fmt: skip
    # digests stay on the host; here they only say whether the content is another one
    known = {**now, "sha256": "another" if "sha256" in differs else wanted.sha256}
    found = list(describe(known, wanted))
    return found + [told for key, told in QUIET.items() if key in differs and not found]


def _secrets(chosen: Chosen) -> list[str]:
    return [each.reveal_text() for each in recording.secrets_of(chosen) if each]


def _masked(line: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        line = line.replace(secret, "********")
    return line


def _show(told: Mapping[str, Mapping[str, Any]], display: Display) -> None:
    display.idle()
    for host, plan in told.items():
        for change in plan["changes"]:
            display.say(f"{host}  {change['verb']} {change['path']}", VERBS[change["verb"]])
            for line in change["lines"]:
                display.say(f"    {line}", diff_style(line))
        for path in plan["left"]:
            display.say(f"{host}  left as it is, not in the snapshot: {path}", "dim")
        display.say(f"{host}  {plan['same']} paths are as they were kept", "dim")
