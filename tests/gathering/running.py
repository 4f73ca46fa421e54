"""A small run of all three services, with a fault that does nothing, and what is gathered of it."""

import time

from fault_injection import gathering
from fault_injection.faults.fault import DECISION_INTELLIGENCE, EXECUTION, ROUTER
from fault_injection.gathering import Place
from fault_injection.history import happenings as h
from fault_injection.history.lines import encoded
from fault_injection.history.reading import history_of
from fault_injection.workloads import apply_result, decision_made
from streams import groups
from tests.execution.desk import TRADING
from tests.waiting import until

COUNTING = Place(
    flow=DECISION_INTELLIGENCE, stream="quantum:stream:apply.result", group="p35_decision_intel"
)
ROUTING = Place(flow=ROUTER, stream="quantum:stream:ai.decision.made", group="router")
EXECUTING = Place(
    flow=EXECUTION, stream="quantum:stream:trade.intent",
    group="quantum:group:execution:trade.intent", trades=True,
)  # fmt: skip
PLACES = (COUNTING, ROUTING, EXECUTING)
MODULES = {
    DECISION_INTELLIGENCE: "consumers.decision_intelligence",
    ROUTER: "consumers.strategy_router",
    EXECUTION: "consumers.execution",
}
SETTINGS = {DECISION_INTELLIGENCE: {}, ROUTER: {}, EXECUTION: TRADING}
BACK_FOR = 3


class Told:
    """What happens, line by line, as a history's bytes."""

    def __init__(self, **opening):
        self._lines, self.operations = [], 0
        words = {"tool": "test", "version": "0", "seed": 1, "schedule": "", "inventory": "test"}
        self.say(h.Opening(**words, mode="sandbox", back_for=BACK_FOR, **opening))

    def say(self, *happenings):
        for each in happenings:
            self._lines.append(encoded(each, len(self._lines), time.time_ns(), time.monotonic_ns()))

    def fault(self, *stages, name="nothing"):
        self.say(*(h.Fault(fault="1", name=name, stage=stage) for stage in stages))

    def feed(self, client, place, entries, by=gathering):
        """Add entries, each as an operation; return their ids. by: what knows their identities."""
        found = []
        for fields in entries:
            self.operations += 1
            op = str(self.operations)
            identity, digest, key = by.identified(place, fields)
            self.say(h.Invoked(op=op, process="feeder", stream=place.stream, identity=identity,
                               digest=digest, key=key))  # fmt: skip
            entry = client.xadd(place.stream, fields)
            found.append(entry)
            self.say(h.Ended(op=op, how=h.OK, entry=entry))
        return found

    def history(self, *more):
        """Return it with its last lines; it can still go on."""
        lines = list(self._lines)
        for each in (*more, h.Closing()):
            lines.append(encoded(each, len(lines), time.time_ns(), time.monotonic_ns()))
        return history_of(b"".join(lines))


def at_rest(client, places=PLACES):
    """Tell whether everything was settled, in the order in which services feed each other."""
    for place in places:
        at = groups.position(client, place.stream, place.group)
        if at is None or at.pending:
            return False
        if at.last_delivered_id != client.xinfo_stream(place.stream)["last-generated-id"]:
            return False
    return True


def rest(client):
    # twice: the executor feeds the counter after it was looked at
    until(lambda: at_rest(client) and at_rest(client), what="rest")


def run(server, start, seed=1, count=60):
    """Return what was told of a clean run of all three, and how it began."""
    client = server.client()
    watch = gathering.Watch(client, PLACES)
    watch.begin()
    opened = {place.flow: gathering.opened(client, place) for place in PLACES}
    told = Told()
    flows = [
        gathering.flow(place, *watch.evidence(place, opened[place.flow]),
                       fed_by_others=place is not ROUTING)
        for place in PLACES
    ]  # fmt: skip
    told.say(*flows)
    for place in PLACES:
        start(server.port, module=MODULES[place.flow], **SETTINGS[place.flow]).ready()
    now_ms = int(time.time() * 1000)
    decided = list(decision_made.events(seed, count, now_ms))
    applied = list(apply_result.events(seed, count, now_ms))
    third = count // 3
    told.say(h.Steady(phase=h.BEFORE, well=True))
    for part in range(3):
        if part == 1:
            rest(client)
            told.say(*gathering.sampled(client, PLACES))
            told.fault(h.PLANNED, h.INJECTED, h.OBSERVED)
        if part == 2:
            rest(client)
            told.fault(h.UNDONE, h.GONE)
        of = slice(part * third, (part + 1) * third)
        told.feed(client, ROUTING, decided[of])
        told.feed(client, COUNTING, applied[of])
    rest(client)
    for _ in range(BACK_FOR):
        told.say(*gathering.sampled(client, PLACES))
    told.say(h.Steady(phase=h.AFTER, well=True))
    watch.end()
    assert watch.broken == ""
    told.say(*watch.lines(opened))
    return told, opened


def gathered(client, opened, places=PLACES):
    return [each for place in places
            for each in gathering.ended(client, place, opened[place.flow])]  # fmt: skip


class Spared:
    """Everything in a server, to be put back after an edit."""

    def __init__(self, server):
        self._client = server.raw()

    def __enter__(self):
        self._kept = {key: self._client.dump(key) for key in self._client.scan_iter(count=5_000)}

    def __exit__(self, *_):
        self._client.flushall()
        for key, dumped in self._kept.items():
            self._client.restore(key, 0, dumped)
