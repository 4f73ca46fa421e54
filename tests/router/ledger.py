"""The router's oracle, by id sets: nothing lost, nothing doubled, no reservation without an intent.

What must be there is told by what was produced; what is there is read from the effects.
"""

from collections import Counter
from dataclasses import dataclass, field

from tests.router.routers import DEAD, GROUP, RECORD, RESULTS, STREAM, intents, reserved
from tests.router.traffic import DIGEST


@dataclass
class Account:
    """How much ended where, and what is wrong: a name -> examples."""

    intents: int
    rejected: int
    dead: int
    open: int
    wrong: dict = field(default_factory=dict)

    def hold(self, what, found):
        if found:
            self.wrong[what] = sorted(found)[:10]


def account(client, produced):
    """Return the account of `produced`: (entry id, identity, None for what is no decision)."""
    waiting = open_ids(client)
    published, kept = intents(client), reserved(client)
    rejected = rejected_identities(client)
    dead = Counter(fields["original_id"] for _, fields in client.xrange(DEAD))
    results = Counter(fields["identity"] for _, fields in client.xrange(RESULTS))
    names = Counter(fields["trace_id"] for fields in published.values())
    settled = set(names) | rejected
    ours = Account(len(published), len(rejected), len(dead), len(waiting))

    closed = {entry_id: name for entry_id, name in produced if entry_id not in waiting}
    wanted = {name for name in closed.values() if name is not None}
    plain = {name for name in wanted if not name.startswith(DIGEST)}
    digests = {name for name in settled if name.startswith("sha256:")}
    ours.hold("lost", plain - settled)
    ours.hold("made of nothing", settled - digests - plain)
    if len(digests) != len(wanted - plain):
        ours.wrong["lost or made of nothing, without ids"] = (len(digests), len(wanted - plain))
    ours.hold("reserved, not published", {k for k, v in kept.items() if v not in published})
    ours.hold(
        "published, not reserved",
        {i for i, fields in published.items() if kept.get(fields["trace_id"]) != i},
    )
    ours.hold("published twice", {name for name, times in names.items() if times > 1})
    ours.hold("published and rejected", set(names) & rejected)
    ours.hold("dead twice", {each for each, times in dead.items() if times > 1})
    ours.hold("no dead letter", {i for i, n in closed.items() if n is None} - set(dead))
    ours.hold("dead, and a decision", set(dead) - {i for i, n in closed.items() if n is None})
    ours.hold(
        "not one result each", set((results - Counter(rejected)) + (Counter(rejected) - results))
    )
    return ours


def open_ids(client):
    """Return the ids of entries that are pending or were never delivered."""
    groups = [each for each in client.xinfo_groups(STREAM) if each["name"] == GROUP]
    if not groups:
        return {entry_id for entry_id, _ in client.xrange(STREAM)}
    pending = client.xpending_range(STREAM, GROUP, "-", "+", 1_000_000)
    after = groups[0]["last-delivered-id"]
    undelivered = client.xrange(STREAM, f"({after}")
    return {each["message_id"] for each in pending} | {entry_id for entry_id, _ in undelivered}


def rejected_identities(client):
    keys = client.scan_iter(f"{RECORD}*", count=1_000)
    return {key.removeprefix(RECORD) for key in keys if client.hget(key, "state") == "REJECTED"}
