"""Take snapshots on many hosts at once, tell what they hold, and find the one that is meant."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from commands import recording
from commands.choosing import Chosen
from commands.showing import Display
from commands.transactions import meta, new_id
from harness import fanout
from harness.agent import failing, naming
from harness.contact import Contact, raise_together, reach_all
from harness.errors import DONE, FAILED, ConfigurationError, InDoubtError, UnreachableError

COLUMNS = ("host", "id", "taken", "by", "paths", "bytes", "whole")
#: What a record keeps of a snapshot; no file's own digest: a secret's could be tried against.
RECORDED = ("paths", "bytes", "catalogue_sha256")


def named(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths without what a shell's completion adds; raises ConfigurationError."""
    found = []
    for path in paths:
        plain = path.rstrip("/") or path
        try:
            naming.refuse_name(plain)
        except failing.AgentError as error:
            action = error.action or "invoke backup --path /etc/hosts: as the host itself names it"
            raise ConfigurationError(error.cause, step="backup", action=action) from None
        found.append(plain)
    return tuple(dict.fromkeys(found))


def take(chosen: Chosen, paths: Sequence[str], display: Display) -> dict[str, Any]:
    """Take one on every host at once, under the same id, and record it; returns what stands where.

    A host that cannot is an error and keeps nothing; the others keep theirs.
    """
    snapshot, started = new_id(), time.time()
    with reach_all(chosen.hosts, display) as contacts:
        display.stage("taking a snapshot")
        by = meta(chosen, recording.git_state())
        answers = fanout.each(contacts, lambda c: c.session.backup(snapshot, paths, meta=by))
        errors = fanout.errors(answers)
        kept = {each.item.host.name: each.result for each in answers if each.result}
        display.idle()
        for host, told in kept.items():
            display.say(f"{host}  kept {told['paths']} paths, {told['bytes']:,} bytes", "green")
        doubtful = any(isinstance(each, InDoubtError | UnreachableError) for each in errors)
        entry = recording.write(
            chosen, "backup", "in_doubt" if doubtful else "failed" if errors else "kept",
            contacts, started=started, ended=time.time(), git=by["git"], identity=snapshot,
            details={
                "snapshot": snapshot, "named": list(paths),
                "kept": {host: _recorded(told) for host, told in kept.items()},
                "errors": [str(each) for each in errors],
            },
        )  # fmt: skip
        display.record(chosen.inventory.records / entry.id)
    if kept:
        display.say(f"{snapshot}: invoke backup.restore --id {snapshot}", "bold")
    raise_together(errors)
    return {
        "snapshot": snapshot,
        "hosts": {host: _recorded(told) for host, told in kept.items()},
        "record": entry.id,
        "exit_code": DONE,
    }


def _recorded(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: told[key] for key in RECORDED}


def show(chosen: Chosen, display: Display) -> dict[str, Any]:
    """Print every host's snapshots, oldest first; each is read to tell whether it is whole."""
    with reach_all(chosen.hosts, display) as contacts:
        display.stage("reading the snapshots")
        answers = fanout.each(contacts, lambda contact: contact.session.backups())
        raise_together(fanout.errors(answers))
        found = {each.item.host.name: each.result or [] for each in answers}
    rows = [(host, told) for host, all_of in found.items() for told in all_of]
    styles = ["red" if told["damage"] else "" for _, told in rows]
    if rows:
        display.table(COLUMNS, [_row(host, told) for host, told in rows], styles)
    else:
        display.idle()
        display.say("no snapshots on these hosts; invoke backup takes one", "yellow")
    return {
        "hosts": {
            host: [{**told, "whole": not told["damage"]} for told in all_of]
            for host, all_of in found.items()
        },
        "exit_code": FAILED if any(styles) else DONE,
    }


def _row(host: str, told: Mapping[str, Any]) -> list[str]:
    at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(float(told["at_s"] or 0)))
    by = f"{told['operator'] or '?'}@{told['from'] or '?'}"
    whole = f"DAMAGED: {told['damage']}" if told["damage"] else "whole"
    return [host, told["id"], at, by, str(told["paths"]), f"{told['bytes'] or 0:,}", whole]


def meant(contacts: Sequence[Contact], wanted: str) -> str:
    """Return the one snapshot whose id begins like that, which every host must have. Pure.

    Raises ConfigurationError: nothing is chosen by being the newest, or first by the alphabet.
    """
    held = {
        contact.host.name: {t["id"] for t in contact.transactions if t["state"] == "pinned"}
        for contact in contacts
    }
    known = sorted(set().union(*held.values()))
    fitting = [wanted] if wanted in known else [each for each in known if each.startswith(wanted)]
    if not wanted or len(fitting) != 1:
        cause = "--id says which snapshot"
        if wanted:
            told = ", ".join(fitting)
            cause = f"{wanted} may be {told}" if fitting else f"no snapshot begins with {wanted!r}"
        raise ConfigurationError(cause, step="restore", action="invoke backup.list")
    (found,) = fitting
    without = [host for host, ids in held.items() if found not in ids]
    if without:
        where = ":".join(host for host in held if host not in without)
        raise ConfigurationError(
            f"no snapshot {found} here", host=", ".join(without), step="restore",
            action=f"invoke backup.restore --id {found} --limit {where}",
        )  # fmt: skip
    return found
