"""After each deploy every host is whole old or whole new, all alike, and the ledger says which.

Old is what stood there before, new is what the deploy wanted; deploys that were under way at once
are judged together. Hosts may differ only where the ledger says so. What it cannot say, since the
laptop was killed or a host lost, the host's own journal must. Unknown where nobody looked or asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fault_injection.history.happenings import (
    JOURNALS,
    LEDGER,
    SAID,
    Invoked,
    Recorded,
    Stands,
)
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = False
NEEDS_WATCH = False

COMMITTED, IN_DOUBT = "committed", "in_doubt"
#: Outcomes for all hosts by which they may differ from each other.
DIFFERING = frozenset({"partly_committed", IN_DOUBT})
#: A deploy that ends with these words has written a record.
WRITTEN = frozenset({COMMITTED, "partly_committed", "rolled_back", IN_DOUBT})
#: States of a host on which the deploy's release stands in the end.
KEPT = frozenset({COMMITTED, "unchanged"})
#: States of a host that the deploy has left, or put back, as it was; "" is one it never came to.
AS_BEFORE = frozenset({"", "rolled_back", "untouched", "left_out"})

Records = Mapping[tuple[str, str], Recorded]


@dataclass(slots=True)
class Round:
    """Deploys that were under way at once, and what stood after them."""

    deploys: list[Invoked] = field(default_factory=list)
    look: dict[str, Stands] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the deploys, for people."""
        ops = " and ".join(each.op for each in self.deploys)
        return f"after {ops}" if ops else "with no deploy"


@dataclass(slots=True)
class Doubts:
    """What is wrong, and what nobody knows."""

    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def check(history: History) -> Finding | None:
    """Judge round after round by what stood before it."""
    rounds = list(_rounds(history))
    if not rounds:
        return None
    hosts = sorted({each.host for each in history.of(Stands)})
    records = {(each.op, each.by): each for each in history.of(Recorded)}
    doubts = Doubts()
    before: dict[str, str] = {}
    settled = 0
    for one in rounds:
        seen = len(doubts.wrong) + len(doubts.unknown)
        _judge(one, hosts, before, records, doubts)
        if one.deploys and seen == len(doubts.wrong) + len(doubts.unknown):
            settled += len(one.deploys)
        before = {host: stands.release for host, stands in one.look.items()}
    deploys = sum(len(one.deploys) for one in rounds)
    numbers = {"deploys": deploys, "settled": settled, "hosts": len(hosts)}
    if doubts.wrong:
        return Finding.refuted(*doubts.wrong, **numbers)
    if doubts.unknown or not deploys:
        return Finding.unknown(*(doubts.unknown or ["nothing was deployed"]), **numbers)
    return Finding.proved(
        f"{deploys} deploys on {len(hosts)} hosts, each all old or all new as recorded", **numbers
    )


def _rounds(history: History) -> Iterator[Round]:
    """Yield the look before the first deploy, then deploys with the look that followed them.

    A look of its own hides none before it.
    """
    now = Round()
    for each in history.happenings:
        if isinstance(each, Invoked) and each.what == "deploy":
            if now.look:
                yield now
                now = Round()
            now.deploys.append(each)
        elif isinstance(each, Stands):
            if each.host in now.look:
                yield now
                now = Round()
            now.look[each.host] = each
    if now.deploys or now.look:
        yield now


def _judge(
    one: Round, hosts: Sequence[str], before: Mapping[str, str], records: Records, doubts: Doubts
) -> None:
    missing = [host for host in hosts if host not in one.look]
    if missing or not hosts:
        doubts.unknown.append(f"{one.name} nobody looked at {', '.join(missing) or 'any host'}")
    for deploy in one.deploys:
        _expect_recorded(deploy.op, records, doubts)
    for stands in one.look.values():
        _expect_whole(one, stands, before, records, doubts)
    if not missing:
        _expect_alike(one, before, records, doubts)


def _expect_recorded(op: str, records: Records, doubts: Doubts) -> None:
    """Hold a deploy's own last words against the ledger's."""
    told = {by: records.get((op, by)) for by in (SAID, LEDGER, JOURNALS)}
    if None in told.values():
        nobody = ", ".join(by for by, found in told.items() if found is None)
        doubts.unknown.append(f"nobody asked how {op} ended: {nobody}")
        return
    said, ledger = (found.outcome if (found := told[by]) else "" for by in (SAID, LEDGER))
    if said in WRITTEN and not ledger:
        doubts.wrong.append(f"{op} ended {said}, and the ledger says nothing of it")
    elif said and ledger and said != ledger:
        doubts.wrong.append(f"{op} ended {said}, and the ledger says {ledger}")


def _expect_whole(
    one: Round, stands: Stands, before: Mapping[str, str], records: Records, doubts: Doubts
) -> None:
    """Compare what stands on a host with what the records allow there."""
    host, old = stands.host, before.get(stands.host, "")
    if not stands.at_rest:
        doubts.wrong.append(f"{host} never came to rest {one.name}: {stands.said}")
        return
    if not one.deploys and not old:
        return  # the first look may find anything
    words = {each.op: _kept(each.op, host, records) for each in one.deploys}
    kept = {each.wants for each in one.deploys if words[each.op]}
    unsure = {each.wants for each in one.deploys if words[each.op] is None}
    if not kept and not old:
        doubts.unknown.append(f"{host}: nobody knows what stood there before, {one.name}")
    elif not stands.release:
        doubts.wrong.append(f"{host} is neither old nor new {one.name}: {stands.said}")
    elif stands.release not in (kept or {old}) | unsure:
        should = " or ".join(sorted(kept)) or f"{old}, as before,"
        doubts.wrong.append(
            f"{host} has {stands.release} {one.name}, and by the records it is {should}"
        )
    elif not kept and unsure:
        doubts.unknown.append(f"{host}: no record says which it is {one.name}")


def _kept(op: str, host: str, records: Records) -> bool | None:
    """Tell whether a deploy's release was kept on a host, None where the records do not say."""
    said, ledger, journals = (records.get((op, by)) for by in (SAID, LEDGER, JOURNALS))
    state: str | None = None
    if ledger and ledger.outcome:
        state = ledger.hosts.get(host, "")
    elif said and said.outcome:
        state = said.hosts.get(host, "")
    if state is None or state == IN_DOUBT:
        state = journals.hosts.get(host, "") if journals else None
    if state in KEPT:
        return True
    return False if state in AS_BEFORE else None


def _expect_alike(one: Round, before: Mapping[str, str], records: Records, doubts: Doubts) -> None:
    """Insist that hosts are alike, unless the ledger says that they are not."""
    now = {host: stands.release for host, stands in one.look.items()}
    alike = len(set(now.values())) == 1
    if alike or not one.deploys or now == before:
        return
    told = [records.get((each.op, LEDGER)) for each in one.deploys]
    if all(found and found.outcome not in DIFFERING for found in told):
        differ = ", ".join(f"{host} {release or '?'}" for host, release in sorted(now.items()))
        doubts.wrong.append(f"the hosts differ {one.name} and the ledger does not say so: {differ}")
