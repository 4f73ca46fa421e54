"""Run the small world by a seed: traffic, faults, samples; what comes out is a history's bytes."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from fault_injection.history import happenings as h
from fault_injection.history.lines import encoded
from tests.checkers.consumers import HANDLERS, looping
from tests.checkers.faults import KINDS
from tests.checkers.world import (
    CLAIM_IDLE_MS,
    COUNTING,
    EVIDENCE,
    EXECUTION,
    HEARTBEAT_MS,
    ROUTING,
    STREAMS,
    TICK_MS,
    LostReplyError,
    World,
)

#: Quiet traffic until this step, faults until that one, traffic until the next one, and then
#: nothing new until all is done, or the last one.
STEPS = (150, 550, 700, 1_500)
SHORTER = (80, 330, 400, 1_000)
BRIEF = (40, 100, 150, 500)
#: One event in so many steps, one look at the groups in so many.
EVENT_EVERY, LOOK_EVERY = 8, 8
BACK_WITHIN_S = 5
#: Some are so old that nobody may act on them.
STALE_MS = 100_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@dataclass
class Process:
    flow: str
    name: str
    body: object = None
    wanted: object = None  # the command it waits for
    frozen: bool = False

    @property
    def lives(self):
        return self.body is not None


class Run:
    """One run; `broken` says what of the correct consumers is replaced."""

    def __init__(
        self, seed, *, peers=2, faults=None, steps=STEPS, world=World, loop=looping, **handlers
    ):
        quiet, faults_until, self.traffic_until, self.longest = steps
        self.world = world(seed)
        self.chance = self.world.chance
        self.seed, self.loop, self.handlers = seed, loop, {**HANDLERS, **handlers}
        self.ordered = peers == 1
        self.step = 0
        self.losing, self.losses = 0.0, 0  # the share of replies that get lost
        self.refusing = False  # producers are told that memory is full
        self.doubling = 0.0
        self.repeatable = []
        self.processes = [
            Process(flow, f"{flow}-{number}") for flow in STREAMS for number in range(peers)
        ]
        kinds = [kind for kind in KINDS if peers > 1 or not KINDS[kind].needs_peers]
        chosen = faults if faults is not None else self.chance.sample(kinds, min(5, len(kinds)))
        at = sorted(self.chance.sample(range(quiet, faults_until - 50), len(chosen)))
        self.faults = [
            KINDS[kind](self, f"f{number}", when)
            for number, (kind, when) in enumerate(zip(chosen, at, strict=True))
        ]

    def history(self):
        """Return the whole run as the bytes of its history."""
        self.open()
        for process in self.processes:
            self.start(process)
        self.world.say(h.Steady(phase=h.BEFORE, well=True))
        while self.step < self.longest and not self.done:
            self.one_step()
        self.close()
        return b"".join(encoded(each, each.n, each.wall_ns, each.mono_ns)
                        for each in self.world.lines)  # fmt: skip

    @property
    def done(self):
        groups = self.world.groups
        quiet = not any(self.world.waiting(flow) or groups[flow].pending for flow in groups)
        return quiet and self.step > self.traffic_until + 10 * LOOK_EVERY and self.healed

    @property
    def healed(self):
        return all(fault.over for fault in self.faults)

    def one_step(self):
        self.step += 1
        world = self.world
        world.now_ms += TICK_MS
        for fault in self.faults:
            fault.go_on()
        world.land()
        for process in self.processes:
            if process.lives and not process.frozen:
                world.beats[process.name] = world.now_ms + HEARTBEAT_MS
        if self.step % EVENT_EVERY == 0 and self.step < self.traffic_until:
            self.produce(COUNTING)
            self.produce(ROUTING)
        if self.step % LOOK_EVERY == 0:
            self.look()
        for process in self.processes:
            if process.lives and not process.frozen and self.chance.random() < 0.9:
                self.advance(process)

    # -- processes

    def start(self, process):
        handle = self.handlers[process.flow]
        process.body = self.loop(self.world, process.flow, process.name, handle)
        process.wanted = next(process.body)
        self.world.say(h.Process(name=process.name, did="started"))

    def kill(self, process):
        """End it before or after the command that it waits for has been done."""
        if self.chance.random() < 0.5:
            with suppress(LostReplyError):
                process.wanted()
        process.body = process.wanted = None
        self.world.say(h.Process(name=process.name, did="killed"))

    def advance(self, process):
        """Do one command and hand over its reply, if that is not lost."""
        lost = self.chance.random() < self.losing
        try:
            if lost and self.chance.random() < 0.3:
                raise LostReplyError  # noqa: TRY301  the request got lost, not its reply
            reply = process.wanted()
            if lost:
                raise LostReplyError  # noqa: TRY301
        except LostReplyError:
            self.losses += 1
            process.wanted = process.body.throw(LostReplyError())
        else:
            process.wanted = process.body.send(reply)

    # -- traffic

    def produce(self, flow):
        world, chance = self.world, self.chance
        again = flow == ROUTING and self.repeatable and chance.random() < max(0.08, self.doubling)
        fields = chance.choice(self.repeatable) if again else self.event(flow)
        op = world.number("op")
        stream = STREAMS[flow]
        identity = fields["trace_id"] or f"{fields['correlation_id']}:{fields['symbol']}"
        world.say(h.Invoked(op=op, process="feeder", stream=stream, identity=identity,
                            digest=fields["digest"], key=fields["symbol"]))  # fmt: skip
        end = partial(h.Ended, op=op)
        if self.refusing:
            world.say(end(how=h.FAIL, why="OOM"))
            return
        entry = world.add(stream, fields) if not again or chance.random() < 0.9 else ""
        if entry and flow == ROUTING and not fields["poison"]:
            self.repeatable = [*self.repeatable[-20:], fields]
        heard = entry and chance.random() > 0.03
        world.now_ms += 1
        world.say(end(how=h.OK, entry=entry) if heard else end(how=h.INFO, why="no reply"))

    def event(self, flow):
        chance, world = self.chance, self.world
        name = world.number(flow)
        nameless = flow == ROUTING and chance.random() < 0.1
        return {
            "trace_id": "" if nameless else f"trace-{name}",
            "correlation_id": f"cycle-{name}",
            "symbol": chance.choice(SYMBOLS),
            "made_ms": world.now_ms - (STALE_MS if chance.random() < 0.03 else 0),
            "decision": chance.choice(("EXECUTE", "SKIP", "BLOCKED")),
            "reason": f"reason_{chance.randrange(5)}",
            "digest": f"sha-{name}",
            "poison": flow == ROUTING and chance.random() < 0.05,
        }

    # -- what is seen from outside

    def open(self):
        world = self.world
        world.say(h.Opening(tool="quantum-ops", version="test", seed=self.seed, schedule="00",
                            inventory="world", mode="sandbox", back_within_s=BACK_WITHIN_S,
                            at_least=self.traffic_until // EVENT_EVERY))  # fmt: skip
        for flow, stream in STREAMS.items():
            order = (h.ORDER,) if flow == ROUTING and self.ordered else ()
            world.say(h.Flow(flow=flow, stream=stream, group=flow, fed_by_others=flow == EXECUTION,
                             evidence=EVIDENCE[flow] + order,
                             claim_idle_ms=CLAIM_IDLE_MS))  # fmt: skip
        for fault in self.faults:
            fault.say(h.PLANNED)

    def look(self):
        world = self.world
        for flow, group in world.groups.items():
            world.say(h.Position(flow=flow, last_delivered_id=group.last))
            lag, pending = len(world.waiting(flow)), len(group.pending)
            world.say(h.Sample(flow=flow, lag=lag, pending=pending))

    def close(self):
        world = self.world
        world.say(h.Steady(phase=h.AFTER, well=True))
        for minute, fields in world.buckets.items():
            world.say(h.Sums(flow=COUNTING, minute=minute, fields=dict(fields)))
        world.say(h.Dedup(flow=ROUTING, values=dict(world.dedup)))
        states = {who: record["state"] for who, record in world.records.items()}
        world.say(h.Records(flow=EXECUTION, values=states))
        for flow, group in world.groups.items():
            world.say(h.Snapshot(flow=flow, last_delivered_id=group.last,
                                 pending=tuple(group.pending),
                                 undelivered=tuple(world.waiting(flow))))  # fmt: skip
        world.say(h.Closing())
