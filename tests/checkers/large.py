"""A large clean history without a world behind it: as many operations as one likes."""

from fault_injection.history import happenings as h
from tests.checkers.editing import written

MS = 10**6
SEEN = (h.ACKS, h.DELIVERIES, h.POSITIONS, h.LAG)
FAULTS, SAMPLE_EVERY = 20, 5


def large(operations):
    """Return the bytes of a history of `operations` decisions, each routed once."""
    return written(_lines(operations))


def _lines(operations):
    yield h.Opening(tool="quantum-ops", version="test", seed=1, schedule="00", inventory="none",
                    mode="sandbox", at_least=operations, wall_ns=1)  # fmt: skip
    yield h.Flow(flow="routing", stream="s", group="g", evidence=(h.EFFECTS, h.ORDER, *SEEN),
                 wall_ns=1)  # fmt: skip
    for fault in range(FAULTS):
        yield h.Fault(fault=f"f{fault}", name="kill", stage=h.PLANNED, wall_ns=1)
    yield h.Steady(phase=h.BEFORE, well=True, wall_ns=1)
    every = operations // (FAULTS + 2)
    for number in range(operations):
        at = (number + 1) * MS
        fault, moment = divmod(number, every)
        if 1 <= fault <= FAULTS and moment in {0, 30}:
            stages = (h.INJECTED, h.OBSERVED) if moment == 0 else (h.UNDONE, h.GONE)
            for stage in stages:
                yield h.Fault(fault=f"f{fault - 1}", name="kill", stage=stage, wall_ns=at)
        yield from _one(number, at)
        if moment % SAMPLE_EVERY == 0 and moment < 100:
            yield h.Position(flow="routing", last_delivered_id=f"{number + 1}-0", wall_ns=at)
            yield h.Sample(flow="routing", lag=number % 3, pending=0, wall_ns=at)
    end = (operations + 1) * MS
    yield h.Steady(phase=h.AFTER, well=True, wall_ns=end)
    yield h.Snapshot(flow="routing", last_delivered_id=f"{operations}-0", wall_ns=end)
    yield h.Closing(wall_ns=end)


def _one(number, at):
    identity, entry, key = f"trace-{number:032x}", f"{number + 1}-0", f"SYMBOL{number % 10}"
    yield h.Invoked(op=str(number), process="feeder", stream="s", identity=identity,
                    digest=identity, key=key, wall_ns=at)  # fmt: skip
    yield h.Ended(op=str(number), how=h.OK, entry=entry, wall_ns=at + 1)
    yield h.Delivery(flow="routing", entry=entry, consumer="a", how=h.NEW, wall_ns=at + 2)
    yield h.Effect(flow="routing", identity=identity, ref=f"i-{number}", entry=entry,
                   digest=identity, wall_ns=at + 3)  # fmt: skip
    yield h.Ack(flow="routing", entry=entry, consumer="a", wall_ns=at + 3)
