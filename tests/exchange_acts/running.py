"""A run at the simulated exchange: what is fed, broken, gathered and judged."""

import dataclasses
import itertools
import time

from fault_injection import gathering
from fault_injection.chance import Chance
from fault_injection.checkers import judge
from fault_injection.exchange_acts import act, calls
from fault_injection.faults.fault import EXECUTION, Aim, Target
from fault_injection.history import happenings as h
from fault_injection.workloads.decision_made import PRICES
from proofs.finding import Verdict
from tests.gathering.running import BACK_FOR, EXECUTING, Told, at_rest
from tests.waiting import until

WITHIN_S = 90.0


class Day:
    """A history in the making; `record` gives the exchange's own log."""

    def __init__(self, client, url, record):
        self.client, self.url, self.record = client, url, record
        self.place = dataclasses.replace(EXECUTING, exchange=url)
        self.opened = gathering.opened(client, self.place)
        self.told, self._numbers = Told(), itertools.count(1)
        self.told.say(gathering.flow(self.place, h.CALLS), h.Steady(phase=h.BEFORE, well=True))

    def feed(self, count=3):
        """Feed intents that the exchange would take."""
        symbols = sorted(PRICES)
        fields = [
            {
                "trace_id": f"t{n}", "symbol": symbols[n % len(symbols)],
                "side": ("BUY", "SELL")[n % 2], "position_size_usd": "300",
                "price": str(PRICES[symbols[n % len(symbols)]]), "timestamp": f"{time.time():.3f}",
            }
            for n in itertools.islice(self._numbers, count)
        ]  # fmt: skip
        self.told.feed(self.client, self.place, fields)

    def rest(self):
        until(lambda: at_rest(self.client, [self.place]), WITHIN_S, "rest")

    def sample(self, times=1):
        for _ in range(times):
            self.told.say(*gathering.sampled(self.client, [self.place]))

    def breaks(self, fault, amid=None):
        """Have a fault, until it was seen and is gone; `amid` runs while it lasts."""
        target = Target(host="box", service=EXECUTION, unit="x", stream="s", group="g")
        (word,) = fault.words(Aim(target, Chance(fault.name), 5_000))
        doing, said = act(word, self.url), {"fault": fault.name, "name": fault.name}
        self.told.say(h.Fault(stage=h.PLANNED, **said))
        self.told.say(h.Fault(stage=h.INJECTED, said=doing.inject(), **said))
        assert not doing.observed()

        def seen():
            self.feed()
            self.rest()
            return doing.observed()

        if amid:
            self.feed(12)
            found = until(doing.observed, WITHIN_S, fault.name)
            amid()
        else:
            found = until(seen, WITHIN_S, fault.name)
        self.told.say(h.Fault(stage=h.OBSERVED, said=found, **said))
        assert not doing.gone()
        doing.undo()
        self.told.say(h.Fault(stage=h.UNDONE, **said))
        self.told.say(h.Fault(stage=h.GONE, said=until(doing.gone), **said))
        doing.undo()
        self.rest()

    def judged(self):
        """Return what all checkers find of it."""
        self.sample(BACK_FOR)
        self.told.say(h.Steady(phase=h.AFTER, well=True))
        ended = list(gathering.ended(self.client, self.place, self.opened))
        who = {each.identity for each in ended if isinstance(each, h.Produced)}
        return judge(self.told.history(*calls(self.record(), EXECUTION, who), *ended))


def refuting(found):
    """Return the checkers that refute."""
    return {name for name, each in found.findings.items() if each.verdict is Verdict.refuted}
