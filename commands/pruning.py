"""Have hosts forget old transactions and releases, after a deploy that was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness import fanout
from harness.contact import Contact
from harness.host import Host

if TYPE_CHECKING:
    from commands.showing import Display

#: How many committed deploys can be undone at least, unless the inventory says otherwise.
KEEP_TRANSACTIONS = 10
#: Younger ones can be undone, too, however many there are.
KEEP_DAYS = 30.0
DAY_S = 86_400.0


def policy(host: Host) -> dict[str, Any]:
    """Return what a host keeps, as its agent is told."""
    days = float(str(host.values.get("keep_days", KEEP_DAYS)))
    return {"keep": host.number("keep_transactions", KEEP_TRANSACTIONS), "keep_s": days * DAY_S}


def would_go(contact: Contact) -> list[str]:
    """Return the transactions that a host forgets once one more deploy is committed. Pure."""
    from harness.agent.pruning import choose

    known = contact.transactions
    newest = max((int(each["sequence"]) for each in known), default=0)
    now_s = float(contact.facts.get("time_s") or 0)
    another = {"id": "", "sequence": newest + 1, "state": "committed", "at_s": now_s}
    # what is unfinished goes back first, and is rolled back then
    settled = [
        {**each, "state": "rolled_back"} if each["id"] in contact.unfinished else each
        for each in known
    ]
    return choose([*settled, another], now_s=now_s, **policy(contact.host))


def prune(
    contacts: Sequence[Contact], by: Mapping[str, Any], display: Display
) -> dict[str, dict[str, list[str]]]:
    """Have each host forget, and return what went where. It fails no deploy: that stands."""
    answers = fanout.each(contacts, lambda each: each.session.prune(meta=by, **policy(each.host)))
    gone = {}
    for answer in answers:
        name = answer.item.host.name
        if answer.error:
            display.say(f"{name}  nothing is known to be pruned: {answer.error}", "yellow")
        elif answer.result and (answer.result["transactions"] or answer.result["releases"]):
            gone[name] = {key: list(answer.result[key]) for key in ("transactions", "releases")}
            display.say(f"{name}  forgotten: {told(gone[name])}", "dim")
    return gone


def told(gone: Mapping[str, Sequence[str]]) -> str:
    """Return what went in words."""
    parts = [(len(gone[key]), key.removesuffix("s")) for key in ("transactions", "releases")]
    return " and ".join(f"{count} old {what}{'s' * (count != 1)}" for count, what in parts if count)
