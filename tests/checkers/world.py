"""A small world of streams, pure and the same for the same seed, in which all that happens is told.

Every method that a consumer yields is one command: it happens at one time, as a script does. Time
goes on by TICK_MS with each of them.
"""

import random
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field, replace

from fault_injection.history import happenings as h
from streams.ids import id_key
from streams.intents import TERMINAL

TICK_MS = 10
START_MS = 1_770_000_000_000
#: A heartbeat lives so long; an entry must be idle so long before it is taken over.
HEARTBEAT_MS, CLAIM_IDLE_MS = 600, 400
#: An order's request is good for so long; an intent is too old after so long.
VALID_MS, SKEW_MS, MAX_AGE_MS = 400, 50, 60_000
READ_AT_MOST = 4

COUNTING, ROUTING, EXECUTION = "counting", "routing", "execution"
STREAMS = {COUNTING: "apply.result", ROUTING: "decision.made", EXECUTION: "trade.intent"}
SEEN = (h.ACKS, h.DELIVERIES, h.POSITIONS, h.LAG)
EVIDENCE = {
    COUNTING: (h.SUMS, *SEEN),
    ROUTING: (h.EFFECTS, *SEEN),
    EXECUTION: (h.EFFECTS, h.STATES, h.CALLS, *SEEN),
}
MOVED = "moved"


class LostReplyError(Exception):
    """The reply never came; what was asked for may have been done."""


@dataclass
class Pending:
    owner: str
    since_ms: int


@dataclass
class Group:
    last: str = "0-0"
    high_water: str = "0-0"
    pending: dict[str, Pending] = field(default_factory=dict)


class World:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.now_ms = START_MS
        self.lines = []
        self.streams = {stream: {} for stream in STREAMS.values()}
        self.ids = {stream: [] for stream in self.streams}
        self.groups = {flow: Group() for flow in STREAMS}
        self.beats = {}  # consumer -> its heartbeat's end
        self.buckets = {}  # minute -> field -> count
        self.dedup = {}  # identity -> id of its intent
        self.records = {}  # identity -> what is kept of an intent
        self.orders = {}  # client order id -> orders at the exchange
        self.in_flight = []  # (lands at, identity, client order id): sent, and not there yet
        self.exchange_in_trouble = 0.0
        self.made = Counter()

    # -- what is told

    def say(self, what):
        at = what.wall_ns or self.now_ms * 10**6
        stamped = replace(what, n=len(self.lines), wall_ns=at, mono_ns=self.now_ms * 10**6)
        self.lines.append(stamped)

    def number(self, what):
        self.made[what] += 1
        return f"{what}-{self.made[what]}"

    # -- streams and groups, as Redis has them

    def add(self, stream, fields):
        entry = f"{self.now_ms}-{len(self.streams[stream])}"
        self.streams[stream][entry] = fields
        self.ids[stream].append(entry)
        adds = tuple(self.adds_of(entry, fields)) if stream == STREAMS[COUNTING] else ()
        self.say(h.Produced(stream=stream, entry=entry, identity=identity_of(fields), adds=adds,
                            digest=fields.get("digest", ""), key=fields["symbol"]))  # fmt: skip
        return entry

    @staticmethod
    def adds_of(entry, fields):
        minute = fields["made_ms"] // 1_000  # minutes are short here
        return [f"{minute} decision:{fields['decision']}", f"{minute} reason:{fields['reason']}"]

    def remove(self, flow, entry):
        """XDEL."""
        self.streams[STREAMS[flow]][entry] = None
        self.say(h.Removed(stream=STREAMS[flow], entry=entry))

    def waiting(self, flow):
        """Return the ids that the group was never given."""
        stream = self.streams[STREAMS[flow]]
        ids = self.ids[STREAMS[flow]]
        found = ids[bisect_right(ids, id_key(self.groups[flow].last), key=id_key) :]
        return [entry for entry in found if stream[entry] is not None]

    def read(self, flow, me, own):
        """Return entries with their fields: own pending ones, or new ones; guarded."""
        group = self.groups[flow]
        if self.moved(flow):
            self.say(h.Told(flow=flow, what=h.GROUP_MOVED))
            return MOVED
        if own:
            found = sorted((e for e, p in group.pending.items() if p.owner == me), key=id_key)
        else:
            found = self.waiting(flow)[:READ_AT_MOST]
            for entry in found:
                group.pending[entry] = Pending(me, self.now_ms)
                group.last = entry
        for entry in found:
            how = h.OWN if own else h.NEW
            self.say(h.Delivery(flow=flow, entry=entry, consumer=me, how=how))
        return [(entry, self.streams[STREAMS[flow]][entry]) for entry in found]

    def moved(self, flow):
        group = self.groups[flow]
        return id_key(group.last) < id_key(group.high_water)

    def ack(self, flow, me, entry):
        """XACK: 1 to one caller alone."""
        group = self.groups[flow]
        if group.pending.pop(entry, None) is None:
            return 0
        group.high_water = max(group.high_water, entry, key=id_key)
        self.say(h.Ack(flow=flow, entry=entry, consumer=me))
        return 1

    def lives(self, consumer):
        return self.beats.get(consumer, 0) > self.now_ms

    def reclaim(self, flow, me):
        """Take what the dead have had long enough; return how much."""
        return self.claim(flow, me, lambda owner, idle_ms: (
            not self.lives(owner) and idle_ms >= CLAIM_IDLE_MS))  # fmt: skip

    def claim(self, flow, me, wanted):
        taken = 0
        for entry, of in self.groups[flow].pending.items():
            idle_ms = self.now_ms - of.since_ms
            if of.owner != me and wanted(of.owner, idle_ms):
                self.say(h.Delivery(flow=flow, entry=entry, consumer=me, how=h.CLAIMED,
                                    idle_ms=idle_ms, owner=of.owner,
                                    owner_lives=self.lives(of.owner)))  # fmt: skip
                of.owner, of.since_ms = me, self.now_ms
                taken += 1
        return taken

    # -- the scripts of correct consumers

    def tell_lost(self, flow, me, entry):
        if self.ack(flow, me, entry):
            self.say(h.Told(flow=flow, what=h.LOST, entry=entry))

    def give_up(self, flow, me, entry, reason):
        if self.groups[flow].pending.get(entry):
            self.letter(flow, entry, reason)
            self.ack(flow, me, entry)

    def letter(self, flow, entry, reason):
        self.say(h.DeadLetter(flow=flow, entry=entry, ref=self.number("letter"), reason=reason))

    def count(self, me, entries):
        for entry, fields in entries:
            if self.ack(COUNTING, me, entry):
                self.increase(entry, fields)

    def increase(self, entry, fields, times=1):
        for said in self.adds_of(entry, fields):
            minute, _, name = said.partition(" ")
            self.buckets.setdefault(minute, Counter())[name] += times

    def route(self, me, entry, fields):
        identity = identity_of(fields)
        if identity not in self.dedup:
            self.dedup[identity] = self.publish(entry, fields)
        self.ack(ROUTING, me, entry)

    def publish(self, entry, fields, identity=None):
        identity = identity or identity_of(fields)
        intent = self.add(STREAMS[EXECUTION], {**fields, "trace_id": identity})
        self.say(h.Effect(flow=ROUTING, identity=identity, ref=intent, entry=entry,
                          digest=fields["digest"]))  # fmt: skip
        return intent

    # -- executing

    def state(self, identity, after):
        """Change a record's state, whatever it was."""
        record = self.records.setdefault(identity, {"state": "", "epoch": 0, "until_ms": 0})
        self.say(h.State(flow=EXECUTION, identity=identity, before=record["state"], after=after))
        record["state"] = after

    def begin(self, me, entry, fields):
        """Return what is to be done: submit | ask, with an epoch; done."""
        of = self.groups[EXECUTION].pending.get(entry)
        identity = identity_of(fields)
        if of is None or of.owner != me:
            return "done", 0
        record = self.records.get(identity)
        if record is None:
            if self.now_ms - fields["made_ms"] > MAX_AGE_MS:
                self.end(me, entry, identity, "EXPIRED")
                return "done", 0
            self.state(identity, "SUBMITTING")
            return "submit", self.next_epoch(identity, entry)
        if record["entry"] != entry or record["state"] in TERMINAL:
            self.ack(EXECUTION, me, entry)
            return "done", 0
        record["epoch"] += 1
        return "ask", record["epoch"]

    def next_epoch(self, identity, entry):
        record = self.records[identity]
        record |= {"epoch": record["epoch"] + 1, "until_ms": self.now_ms + VALID_MS,
                   "entry": entry}  # fmt: skip
        return record["epoch"]

    def send_again(self, identity, entry, epoch):
        """Return the new epoch where the first request cannot land any more, else 0."""
        record = self.records[identity]
        if record["epoch"] != epoch or self.now_ms <= record["until_ms"] + SKEW_MS:
            return 0
        return self.next_epoch(identity, entry)

    def finish(self, me, entry, identity, epoch, state):
        record = self.records[identity]
        if record["epoch"] == epoch and record["state"] not in TERMINAL:
            self.end(me, entry, identity, state)

    def end(self, me, entry, identity, state):
        self.state(identity, state)
        self.records[identity]["entry"] = entry
        self.tell_end(identity, state)
        self.ack(EXECUTION, me, entry)

    def tell_end(self, identity, state):
        ref = self.number("result")
        self.say(h.Terminal(flow=EXECUTION, identity=identity, state=state, ref=ref))

    # -- the exchange, which takes the same id again and again

    def submit(self, identity, order, until_ms):
        """Return FILLED, CANCELED or REFUSED; raise LostReplyError where no answer comes."""
        trouble = self.chance.random() < self.exchange_in_trouble
        way = self.chance.choice(("before", "after", "late", "refused")) if trouble else "well"
        if way == "before":
            raise LostReplyError
        if way == "refused" or self.now_ms > until_ms:
            self.call(identity, h.SUBMIT, order, h.REFUSED)
            return "REFUSED"
        if way == "late":
            self.call(identity, h.SUBMIT, order, h.NO_REPLY)
            lands_ms = self.chance.randrange(self.now_ms, until_ms + 1)
            self.in_flight.append((lands_ms, identity, order))
            raise LostReplyError
        self.call(identity, h.SUBMIT, order, h.NO_REPLY if way == "after" else h.ACCEPTED)
        outcome = self.accept(identity, order)
        if way == "after":
            raise LostReplyError
        return outcome

    def accept(self, identity, order):
        outcome = self.chance.choices(("FILLED", "CANCELED"), (9, 1))[0]
        self.orders.setdefault(order, []).append(outcome)
        self.say(h.Effect(flow=EXECUTION, identity=identity, ref=self.number("order"),
                          outcome=outcome))  # fmt: skip
        return outcome

    def land(self):
        """Let arrive what was late."""
        for each in [each for each in self.in_flight if each[0] <= self.now_ms]:
            self.in_flight.remove(each)
            self.accept(*each[1:])

    def query(self, identity, order):
        if self.chance.random() < self.exchange_in_trouble:
            raise LostReplyError
        found = self.orders.get(order)
        self.call(identity, h.QUERY, order, h.FOUND if found else h.NO_SUCH_ORDER)
        return found[0] if found else None

    def call(self, identity, verb, order, answer):
        self.say(h.Call(flow=EXECUTION, identity=identity, verb=verb, order=order, answer=answer))


def identity_of(fields):
    """Return what must have one effect: never empty."""
    return fields["trace_id"] or f"{fields['correlation_id']}:{fields['symbol']}"
