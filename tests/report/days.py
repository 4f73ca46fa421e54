"""Days as a schedule plans them, played by two queues: shown, they look like a real one."""

import random
from collections import deque

from fault_injection.faults.fault import EXECUTION, REDIS, ROUTER
from fault_injection.history import happenings as h
from fault_injection.scenarios import REGISTRY
from fault_injection.schedules import digest, draw
from tests.checkers.editing import written
from tests.faults.aims import UNITS, lab

MS, TICK_MS, LOOK_MS = 10**6, 100, 500
START_NS = 1_795_000_000 * 10**9
SEEN = (h.EFFECTS, h.ACKS, h.DELIVERIES, h.POSITIONS, h.LAG)
STREAMS = {ROUTER: "ai.decision.made", EXECUTION: "trade.intent"}
#: Some of them stop everybody's work, the others that of one service.
FOR_ALL = (UNITS[REDIS],)
SCENARIOS = ("redis_killed", "consumers_killed", "consumer_frozen", "packets_lost", "unit_broken")


def scheduled(seed=7, minutes=10, names=SCENARIOS):
    return draw(seed, [REGISTRY[each] for each in names], lab(), minutes)


class Played:
    """One run of a schedule; `blind` faults are injected and never observed."""

    def __init__(self, schedule, *, per_s=None, blind=(), stuck=(), lose=0, double=0):
        self.schedule, self.per_s = schedule, per_s
        self.blind, self.stuck = set(blind), set(stuck)
        self.lose, self.double = lose, double
        self.chance = random.Random(schedule.seed)
        self.queues = {flow: deque() for flow in STREAMS}
        self.last = dict.fromkeys(STREAMS, "0-0")
        self.lines, self.number = [], 0
        self.down = {}

    def say(self, ms, what):
        what.wall_ns = what.mono_ns = START_NS + round(ms * MS)
        self.lines.append(what)

    def history(self):
        self.open()
        for slot in self.schedule.slots:
            self.say(slot.from_ms, h.Steady(phase=h.BEFORE, well=True))
            for ms in range(slot.from_ms, slot.to_ms, TICK_MS):
                self.tick(ms, self.per_s or slot.per_s)
        self.close(self.schedule.slots[-1].to_ms)
        return written(sorted(self.lines, key=lambda each: each.wall_ns))

    def open(self):
        plan = digest(self.schedule)
        self.say(0, h.Opening(tool="quantum-ops", version="0.1.0", seed=self.schedule.seed,
                              schedule=plan, inventory="lab", mode="lab"))  # fmt: skip
        for flow, stream in STREAMS.items():
            self.say(0, h.Flow(flow=flow, stream=stream, group=flow, evidence=(
                *SEEN, *((h.CALLS,) if flow == EXECUTION else ())),
                fed_by_others=flow == EXECUTION))  # fmt: skip
        for each in self.schedule.faults:
            self.fault(0, each, h.PLANNED)
        for host in ("lab2", "lab3"):
            for service in (ROUTER, EXECUTION):
                self.say(0, h.Process(name=f"{host} {UNITS[service]}", did="started"))
        self.say(0, h.Process(name=f"lab1 {UNITS[REDIS]}", did="started"))

    def fault(self, ms, each, stage, said=""):
        self.say(ms, h.Fault(fault=str(each.number), name=each.fault, stage=stage, said=said,
                             target=f"{each.host} {each.unit}"))  # fmt: skip

    def tick(self, ms, per_s):
        working = self.faults(ms)
        if ms % 1000 < per_s * TICK_MS:
            for part in range(max(1, per_s * TICK_MS // 1000)):
                self.produce(ms + part * TICK_MS / max(1, per_s * TICK_MS // 1000))
        for flow, queue in self.queues.items():
            for _ in range(min(len(queue), max(2, per_s * TICK_MS // 250)) if working[flow] else 0):
                self.handle(flow, ms + TICK_MS - 1, *queue.popleft())
            if ms % LOOK_MS == 0:
                self.look(ms + TICK_MS - 1, flow)

    def faults(self, ms, some=None):
        """Play the stages of the faults; return which flow works."""
        working = dict.fromkeys(STREAMS, True)
        for each in some or self.schedule.faults:
            begin, end = each.at_ms, each.undo_at_ms
            if begin <= ms < begin + TICK_MS:
                self.fault(ms, each, h.ARMED)
                self.fault(ms + 40, each, h.INJECTED)
                if str(each.number) not in self.blind:
                    said = "3 processes of the unit are gone" if "kill" in each.fault else ""
                    self.fault(ms + 90, each, h.OBSERVED, said)
                    self.process(ms + 50, each, "frozen" if "freeze" in each.fault else "killed")
            if end <= ms < end + TICK_MS:
                self.fault(ms, each, h.UNDONE)
                if str(each.number) not in self.stuck | self.blind:
                    self.fault(ms + 60, each, h.GONE)
                    self.fault(ms + 90, each, h.DISARMED)
                    self.process(ms + 55, each, "thawed" if "freeze" in each.fault else "started")
            if begin <= ms < end:
                for flow in STREAMS:
                    working[flow] &= not (each.unit in FOR_ALL or each.unit == UNITS[flow])
        return working

    def faults_of(self, slot):
        """Play the faults alone, without any traffic."""
        for each in self.schedule.faults:
            if slot.from_ms <= each.at_ms < slot.to_ms:
                self.faults(each.at_ms, (each,))
                self.faults(each.undo_at_ms, (each,))

    def process(self, ms, each, did):
        self.say(ms, h.Process(name=f"{each.host} {each.unit}", did=did))

    def produce(self, ms):
        self.number += 1
        identity, entry = f"trace-{self.number:08x}", f"{START_NS // MS + round(ms)}-{self.number}"
        self.say(ms, h.Invoked(op=str(self.number), process="feeder", stream=STREAMS[ROUTER],
                               identity=identity, digest=identity))  # fmt: skip
        took = self.chance.lognormvariate(0.5, 0.5)
        self.say(ms + took, h.Ended(op=str(self.number), how=h.OK, entry=entry))
        self.queues[ROUTER].append((identity, entry))

    def handle(self, flow, ms, identity, entry):
        self.say(ms, h.Delivery(flow=flow, entry=entry, consumer=f"{flow}-1", how=h.NEW))
        self.last[flow] = entry
        if flow == EXECUTION:
            ill = self.chance.random() < 0.01
            self.say(ms, h.Call(flow=flow, identity=identity, verb=h.SUBMIT, order=identity,
                                answer=h.REFUSED if ill else h.ACCEPTED))  # fmt: skip
        if self.number % 7 == 3 and self.lose and flow == ROUTER:
            self.lose -= 1
        else:
            times = 1
            if self.double and flow == EXECUTION and self.number % 5 == 0:
                times, self.double = 2, self.double - 1
            for time in range(times):
                ref = f"{identity}-{flow}-{time}"
                effect = h.Effect(
                    flow=flow, identity=identity, ref=ref, entry=entry, digest=identity
                )
                self.say(ms + 1 + self.chance.expovariate(0.2), effect)
            if flow == ROUTER:
                intent = f"{entry.partition('-')[0]}-{self.number}{len(self.lines)}"
                self.say(ms + 1, h.Produced(stream=STREAMS[EXECUTION], entry=intent,
                                            identity=identity, digest=identity))  # fmt: skip
                self.queues[EXECUTION].append((identity, intent))
        self.say(ms + 70, h.Ack(flow=flow, entry=entry, consumer=f"{flow}-1"))

    def look(self, ms, flow):
        self.say(ms, h.Position(flow=flow, last_delivered_id=self.last[flow]))
        waiting = len(self.queues[flow])
        self.say(ms, h.Sample(flow=flow, lag=waiting, pending=min(waiting, 16)))

    def close(self, ms):
        while any(self.queues.values()):
            for flow, queue in self.queues.items():
                while queue:
                    self.handle(flow, ms, *queue.popleft())
        ms += 5_000
        self.say(ms, h.Steady(phase=h.AFTER, well=True))
        for flow in STREAMS:
            self.say(ms, h.Snapshot(flow=flow, last_delivered_id=self.last[flow]))
        self.say(ms, h.Closing())
