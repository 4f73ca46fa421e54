"""The workload `deploys`: one real deploy after the other, and what stands and is written of each.

Two releases in turn, unless a fault has ordered another kind of deploy. After each round it waits
until the hosts have come to rest, and writes what the deploys said, what the ledger and the hosts'
journals say, and what stands. In the end the hosts have what they had to begin with.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from commands.choosing import Chosen
from commands.cutting_sessions import cutter
from commands.deploying_apart import Deploying
from commands.standing import Seen, Shelf, look
from commands.wanting import PROJECT
from fault_injection.deploys.acts import Means
from fault_injection.deploys.endings import REFUSED, Ending
from fault_injection.deploys.orders import Order, Orders
from fault_injection.deploys.releases import NEW, OLD, RIVAL
from fault_injection.history.happenings import (
    JOURNALS,
    LEDGER,
    SAID,
    Ended,
    Happening,
    Invoked,
    Recorded,
    Stands,
)
from harness.errors import ConfigurationError
from harness.ledger.ledger import Ledger

#: What a deploy is called in the history, and in the ledger.
WHAT = "deploy"
#: What starts anew by itself after a deploy or a fault is up again within this, in seconds.
UP_WITHIN_S = 45.0
#: All deploys of this process, so that those of one slot are not called as those of another one.
_numbers = itertools.count(1)
#: Outcomes that no transaction and no record belongs to.
CERTAIN = frozenset({"unchanged", REFUSED})


@dataclass(frozen=True, slots=True)
class Operation:
    """A deploy that was begun."""

    op: str
    wants: str
    deploying: Deploying


class Deploys:
    """The workload (fault_injection.runs.system.Deploying); `means` is for the faults' acts.

    `folder` keeps the releases until the end of `work`, or for whoever resumes the run; `name`
    begins the names of the operations, which no others of the history may have.
    """

    def __init__(
        self,
        chosen: Chosen,
        folder: Path,
        write: Callable[..., None],
        *,
        name: str = WHAT,
        limit: str = "",
        process: str = "laptop",
        usual_s: float = 0.0,
        up_within_s: float = UP_WITHIN_S,
    ) -> None:
        if chosen.inventory.mode != "sandbox":
            raise ConfigurationError(
                "its releases come from no commit, and only a sandbox takes such", step="deploys",
                action="an inventory whose mode is sandbox",
            )  # fmt: skip
        chosen.inventory.records.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.orders = Orders()
        self.means = Means(self.orders, partial(cutter, chosen))
        self._chosen, self._limit, self._process, self._name = chosen, limit, process, name
        self._shelf = Shelf(PROJECT, folder)
        self._write: Callable[..., None] = write
        self._ledger = Ledger(chosen.inventory.records)
        self._up_within_s = up_within_s
        self.usual_s = usual_s  #: how long a deploy takes that is committed; 0: not known yet
        self.stands: dict[str, str] = {}  #: host -> release, as it was seen at last
        self._journals: dict[str, Mapping[str, str]] = {}

    def work(self, stop: threading.Event) -> None:
        """Deploy until `stop`, then bring the hosts home and clear up."""
        self.look()
        if set(self.stands.values()) != {OLD}:
            self.round(OLD)
        while not stop.is_set():
            self.round()
        if set(self.stands.values()) != {OLD}:
            self.round(OLD)
        self._shelf.clear()

    def round(self, release: str = "") -> None:
        """Deploy `release`, or what is next; wait for rest, and write all of it down."""
        order = None if release or not self.usual_s else self.orders.next()
        known = {entry.id for entry in self._ledger.entries()}
        if order and order.rival_at is not None:
            self._shelf.folder(RIVAL)
        begun = [self._begin(release or self._next(order))]
        endings = self._through(begun, order)
        if endings[0].outcome == "committed" and len(begun) == 1:
            self.usual_s = begun[0].deploying.lasted_s
        before = self._journals
        seen = self._look(self._up_within_s)
        lines: list[Happening] = []
        for one, ending in zip(begun, endings, strict=True):
            others = {each.transaction for each in endings if each is not ending}
            lines += self._recorded(one.op, ending, known, others, before)
        self._write(*lines, *_stands(seen, begun[-1].op))
        self.orders.ended(order, endings)

    def look(self) -> None:
        """Write what stands before the first deploy."""
        for name in (NEW, OLD):  # both are recognised
            self._shelf.folder(name)
        self._write(*_stands(self._look(0.0), ""))

    def _next(self, order: Order | None) -> str:
        if order and order.fresh:
            return self._shelf.fresh()
        if order and order.release:
            return order.release
        return NEW if set(self.stands.values()) == {OLD} else OLD

    def _begin(self, wants: str) -> Operation:
        folder = self._shelf.folder(wants)
        op = f"{self._name}-{next(_numbers)}"
        self._write(Invoked(op=op, process=self._process, what=WHAT, wants=wants))
        return Operation(op, wants, Deploying(folder, self._chosen.inventory, self._limit))

    def _through(self, begun: list[Operation], order: Order | None) -> list[Ending]:
        """See the deploys through, with whatever was ordered; adds the rival's to `begun`."""
        with ThreadPoolExecutor() as pool:
            waited = [pool.submit(self._wait, begun[0], order)]
            if order and order.rival_at is not None:
                time.sleep(max(0.0, self._after_s(order.rival_at) - begun[0].deploying.lasted_s))
                begun.append(self._begin(RIVAL))
                waited.append(pool.submit(self._wait, begun[1], None))
            return [each.result() for each in waited]

    def _after_s(self, percent: int) -> float:
        return self.usual_s * percent / 100

    def _wait(self, one: Operation, order: Order | None) -> Ending:
        if order and order.kill_at is not None:
            one.deploying.kill_after(self._after_s(order.kill_at))
        ending = one.deploying.wait()
        self._write(Ended(op=one.op, how=ending.how, why=ending.why))
        return ending

    def _look(self, whole_within_s: float) -> Sequence[Seen]:
        seen = look(self._chosen.hosts, self._shelf, whole_within_s=whole_within_s)
        self.stands = {each.host: each.release for each in seen}
        self._journals = self._journals | {each.host: each.journal for each in seen}
        return seen

    def _recorded(
        self,
        op: str,
        ending: Ending,
        known: set[str],
        others: set[str],
        before: Mapping[str, Mapping[str, str]],
    ) -> list[Happening]:
        """Return what there is about a deploy: its words, the ledger's and the journals'.

        One that was killed has told no transaction: it is whichever is new and nobody else's.
        """
        outcome, hosts, journals = "", dict[str, str](), dict[str, str]()
        self._ledger.settle()
        if ending.outcome not in CERTAIN:
            mine = {ending.transaction} - {""}
            for entry in self._ledger.entries():
                new = entry.kind == WHAT and entry.id not in known | others
                if new and entry.id in (mine or {entry.id}):
                    outcome = entry.outcome
                    hosts = dict(self._ledger.statement(entry)["predicate"]["states"])
            for host, journal in self._journals.items():
                new_ids = journal.keys() - before.get(host, {}).keys() - others
                for each in new_ids & (mine or new_ids):
                    journals[host] = journal[each]
        return [
            Recorded(op=op, by=SAID, outcome=ending.outcome, hosts=ending.hosts),
            Recorded(op=op, by=LEDGER, outcome=outcome, hosts=hosts),
            Recorded(op=op, by=JOURNALS, hosts=journals),
        ]


def _stands(seen: Sequence[Seen], op: str) -> list[Stands]:
    return [
        Stands(host=each.host, release=each.release, op=op, at_rest=each.at_rest, said=each.said)
        for each in seen
    ]
