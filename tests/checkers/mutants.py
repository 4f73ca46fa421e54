"""Consumers with one planted bug each, every one of which somebody has written or nearly so.

`meant_for` is the checker that has to refute it; `faults` brings about what the bug needs.
"""

from dataclasses import dataclass, field
from functools import partial

from tests.checkers.consumers import STATE_OF, execution, looping
from tests.checkers.world import (
    COUNTING,
    EXECUTION,
    MOVED,
    ROUTING,
    STREAMS,
    LostReplyError,
    Pending,
    World,
    identity_of,
)

KILLS, FREEZES = ("KillOfMany",) * 3, ("Freeze", "Freeze", "Freeze")
REPLIES, TROUBLE = ("LostReplies", "LostReplies"), ("ExchangeInTrouble", "ExchangeInTrouble")
MUTANTS = {}


@dataclass(frozen=True)
class Mutant:
    name: str
    meant_for: str
    faults: tuple[str, ...]
    peers: int = 2
    changes: dict = field(default_factory=dict)


def planted(meant_for, faults, *, peers=2, **changes):
    """Plant a bug: a handler under the flow that it is for, a World of its own, a loop."""
    where = changes.pop("where", "")

    def plant(made):
        under = "world" if isinstance(made, type) else where
        with_it = {under: made, **changes} if under else changes
        MUTANTS[made.__name__] = Mutant(made.__name__, meant_for, faults, peers, with_it)
        return made

    return plant


# -- the router


@planted("ack_after_effect", KILLS, where=ROUTING)
def ack_before_effect(world, me, entry, fields):
    yield partial(world.ack, ROUTING, me, entry)
    identity = identity_of(fields)
    if (yield partial(world.dedup.get, identity)) is None:
        world.dedup[identity] = yield partial(world.publish, entry, fields)


@planted("lost", KILLS, where=ROUTING)
def setnx_then_xadd(world, me, entry, fields):
    identity = identity_of(fields)

    def setnx():
        new = identity not in world.dedup
        world.dedup.setdefault(identity, "1")
        return new

    if (yield setnx):
        intent = yield partial(world.publish, entry, fields)
        world.dedup[identity] = intent
    yield partial(world.ack, ROUTING, me, entry)


@planted("duplicated", KILLS, where=ROUTING)
def xadd_then_setnx(world, me, entry, fields):
    identity = identity_of(fields)
    if (yield partial(world.dedup.get, identity)) is None:
        intent = yield partial(world.publish, entry, fields)
        yield partial(world.dedup.setdefault, identity, intent)
    yield partial(world.ack, ROUTING, me, entry)


@planted("duplicated", REPLIES, where=ROUTING)
def client_that_retries(world, me, entry, fields):
    identity = identity_of(fields)
    while (yield partial(world.dedup.get, identity)) is None:
        try:
            world.dedup[identity] = yield partial(world.publish, entry, fields)
        except LostReplyError:
            continue  # as redis-py does, ten times by default
    yield partial(world.ack, ROUTING, me, entry)


@planted("duplicated", ("Duplicates", "Duplicates"), where=ROUTING)
def no_deduplication(world, me, entry, fields):
    world.dedup[identity_of(fields)] = yield partial(world.publish, entry, fields)
    yield partial(world.ack, ROUTING, me, entry)


@planted("lost", ("Duplicates",), where=ROUTING)
def empty_trace_id_as_a_key(world, me, entry, fields):
    key = fields["trace_id"]
    if key not in world.dedup:
        world.dedup[key] = yield partial(world.publish, entry, fields)
    yield partial(world.ack, ROUTING, me, entry)


@planted("unexpected", ("Kill",), where=ROUTING)
def payload_of_another(world, me, entry, fields):
    oldest = next(iter(world.streams[STREAMS[ROUTING]].values()))
    yield partial(world.route, me, entry, {**fields, "digest": oldest["digest"]})


@planted("unexpected", ("Kill",), where=ROUTING)
def identity_of_its_own(world, me, entry, fields):
    identity = f"{fields['symbol']}-{entry}"

    def script():
        world.publish(entry, fields, identity)
        world.ack(ROUTING, me, entry)

    yield script


@planted("lost", FREEZES, where=ROUTING)
def merges_what_comes_in_one_second(world, me, entry, fields):
    """The old quantum:dedup:order:<symbol>_<second>."""
    key = f"{fields['symbol']}_{fields['made_ms'] // 1000}"
    if key not in world.dedup:
        world.dedup[key] = yield partial(world.publish, entry, fields)
    yield partial(world.ack, ROUTING, me, entry)


def backwards(world, flow, me, handle):
    """Go through a batch from its end."""
    if flow != ROUTING:
        yield from looping(world, flow, me, handle)
    while True:
        try:
            for own in (True, False):
                batch = yield partial(world.read, flow, me, own)
                for entry, fields in [] if batch == MOVED else reversed(batch):
                    if fields["poison"]:
                        yield partial(world.give_up, flow, me, entry, "schema")
                    else:
                        yield from handle(world, me, entry, fields)
        except LostReplyError:
            pass


@planted("order_per_key", ("Outage", "Outage", "Outage"), peers=1, loop=backwards)
def out_of_order_per_key():
    pass


@planted("order_per_key", ("Outage", "Outage", "Outage"), peers=1)
class NewestFirst(World):
    def read(self, flow, me, own):
        found = super().read(flow, me, own)
        return found if flow != ROUTING or found == MOVED else found[::-1]


# -- dead letters


@planted("lost", ("Kill",))
class PoisonDropped(World):
    def give_up(self, flow, me, entry, reason):
        self.ack(flow, me, entry)


@planted("dead_letters", REPLIES)
class DeadLetterTwice(World):
    def give_up(self, flow, me, entry, reason):
        self.letter(flow, entry, reason)
        if self.chance.random() < 0.5:
            raise LostReplyError  # its XACK is a second call
        self.ack(flow, me, entry)


@planted("conservation", ("Kill",))
class DeadLetterWithoutAck(World):
    def give_up(self, flow, me, entry, reason):
        if not hasattr(self, "given_up"):
            self.given_up = set()
        if entry not in self.given_up:
            self.given_up.add(entry)
            self.letter(flow, entry, reason)


@planted("dead_letters", ("Kill",))
class DeadLetterWithoutReason(World):
    def letter(self, flow, entry, reason):
        super().letter(flow, entry, "")


@planted("conservation", ("Kill",))
class DeadLetterOfWhatWasDone(World):
    def route(self, me, entry, fields):
        if self.groups[ROUTING].pending.get(entry) and entry[-1] == "7":
            self.letter(ROUTING, entry, "deliveries")
        super().route(me, entry, fields)


# -- reading and taking over


@planted("conservation", ("Death", "Death"))
class DelconsumerWithPending(World):
    """Ghosts are removed with what they had: gone from pending and from lag, and nobody sees."""

    def reclaim(self, flow, me):
        pending = self.groups[flow].pending
        for entry in [entry for entry, of in pending.items() if not self.lives(of.owner)]:
            del pending[entry]
        return 0


@planted("recovery", ("Death",))
class NoReclaim(World):
    def reclaim(self, flow, me):
        return 0


@planted("claims_from_the_dead", FREEZES)
class ClaimsWithoutIdle(World):
    def reclaim(self, flow, me):
        return self.claim(flow, me, lambda owner, _: not self.lives(owner) or owner > me)


@planted("claims_from_the_dead", TROUBLE)
class ClaimsFromTheSlow(World):
    """XAUTOCLAIM: it looks at the entry and not at its consumer."""

    def reclaim(self, flow, me):
        return self.claim(flow, me, lambda _, idle_ms: idle_ms > 400)


def last_id(world, flow, me, handle):
    """Read on from the last id that it got, where only its own pending entries come."""
    own, stuck = True, False
    while True:
        try:
            batch = yield partial(world.read, flow, me, own)
            for entry, fields in [] if batch == MOVED else batch:
                if fields["poison"]:
                    yield partial(world.give_up, flow, me, entry, "schema")
                else:
                    yield from handle(world, me, entry, fields)
            stuck = stuck or (own and bool(batch))
            own = stuck
        except LostReplyError:
            own = True


@planted("recovery", KILLS, peers=1, loop=last_id)
def last_id_instead_of_new():
    pass


@planted("group_goes_forward", ("SetIdBack",))
class GroupMovesBackUnnoticed(World):
    def moved(self, flow):
        return False


@planted("lost", ("TrimPending",))
class TrimmedAcknowledgedSilently(World):
    def tell_lost(self, flow, me, entry):
        self.ack(flow, me, entry)


# -- decision intelligence


@planted("bucket_totals", KILLS, where=COUNTING)
def hincrby_then_xack(world, me, entry, fields):
    yield partial(world.increase, entry, fields)
    yield partial(world.ack, COUNTING, me, entry)


@planted("lost", KILLS, where=COUNTING)
def xack_then_hincrby(world, me, entry, fields):
    if (yield partial(world.ack, COUNTING, me, entry)):
        yield partial(world.increase, entry, fields)


@planted("duplicated", ("Kill",), where=COUNTING)
def double_hincrby(world, me, entry, fields):
    def script():
        if world.ack(COUNTING, me, entry):
            world.increase(entry, fields, 2 if entry.endswith("7") else 1)

    yield script


@planted("bucket_totals", REPLIES, where=COUNTING)
def multi_applied_twice(world, me, entry, fields):
    def multi():
        world.ack(COUNTING, me, entry)
        world.increase(entry, fields)

    while True:
        try:
            yield multi
        except LostReplyError:
            continue
        return


@planted("bucket_totals", ("FreezeOfCounting",) * 3, where=COUNTING)
def owner_checked_in_one_call_and_counted_in_the_next(world, me, entry, fields):
    def owned():
        of = world.groups[COUNTING].pending.get(entry)
        return of is not None and of.owner == me

    def multi():
        world.ack(COUNTING, me, entry)
        world.increase(entry, fields)

    if (yield owned):
        yield multi


@planted("bucket_totals", ("Kill",))
class MinuteOfNow(World):
    def increase(self, entry, fields, times=1):
        super().increase(entry, {**fields, "made_ms": self.now_ms + 2_000}, times)


@planted("bucket_totals", ("Kill",))
class ForgetsAReason(World):
    def increase(self, entry, fields, times=1):
        super().increase(entry, fields, times)
        if entry.endswith("7"):
            minute, _, name = self.adds_of(entry, fields)[1].partition(" ")
            self.buckets[minute][name] -= 1


# -- execution


@planted("asked_before_resubmitting", TROUBLE, where=EXECUTION)
def resubmits_without_asking(world, me, entry, fields):
    what, epoch = yield partial(world.begin, me, entry, fields)
    if what == "done":
        return False
    identity = identity_of(fields)
    try:
        until_ms = world.now_ms + 400
        outcome = yield partial(world.submit, identity, f"q-{identity}", until_ms)
    except LostReplyError:
        return True
    yield partial(world.finish, me, entry, identity, epoch, STATE_OF[outcome])
    return False


@planted("asked_before_resubmitting", TROUBLE, where=EXECUTION)
def another_id_for_each_attempt(world, me, entry, fields):
    what, epoch = yield partial(world.begin, me, entry, fields)
    if what == "done":
        return False
    identity = identity_of(fields)
    order = f"q-{identity}-{epoch}"
    try:
        if what == "ask" and (yield partial(world.query, identity, order)) is not None:
            return True
        outcome = yield partial(world.submit, identity, order, world.now_ms + 400)
    except LostReplyError:
        return True
    yield partial(world.finish, me, entry, identity, epoch, STATE_OF[outcome])
    return False


@planted("duplicated", TROUBLE)
class DoesNotWaitForWhatIsInFlight(World):
    def send_again(self, identity, entry, epoch):
        return self.next_epoch(identity, entry)


@planted("filled_means_filled", ("Kill",), where=EXECUTION)
def filled_once_accepted(world, me, entry, fields):
    what, epoch = yield partial(world.begin, me, entry, fields)
    if what == "done":
        return False
    identity = identity_of(fields)
    order = f"q-{identity}"
    try:
        if what == "ask" and (yield partial(world.query, identity, order)) is None:
            return True
        if what == "submit":
            yield partial(world.submit, identity, order, world.now_ms + 400)
    except LostReplyError:
        return True
    yield partial(world.finish, me, entry, identity, epoch, "FILLED")
    return False


@planted("filled_means_filled", TROUBLE, where=EXECUTION)
def a_timeout_is_a_failure(world, me, entry, fields):
    what, epoch = yield partial(world.begin, me, entry, fields)
    if what == "done":
        return False
    identity = identity_of(fields)
    try:
        outcome = yield partial(world.submit, identity, f"q-{identity}", world.now_ms + 400)
        state = STATE_OF[outcome]
    except LostReplyError:
        state = "FAILED"
    yield partial(world.finish, me, entry, identity, epoch, state)
    return False


@planted("one_terminal_state", REPLIES)
class TerminalStateTwice(World):
    """The end is told, and only then the record is written: a lost call between them."""

    def end(self, me, entry, identity, state):
        self.tell_end(identity, state)
        if self.chance.random() < 0.2:
            raise LostReplyError
        self.state(identity, state)
        self.records[identity]["entry"] = entry
        self.ack(EXECUTION, me, entry)


@planted("lawful_transitions", FREEZES)
class GoesBackInTheGraph(World):
    """A takeover claims the record anew, whatever it says."""

    def begin(self, me, entry, fields):
        said = super().begin(me, entry, fields)
        if said[0] == "ask":
            self.state(identity_of(fields), "CLAIMED")
            self.state(identity_of(fields), "SUBMITTING")
        return said


@planted("one_terminal_state", FREEZES)
class NoEpoch(World):
    """Whoever comes last writes the end, be it of an epoch long gone."""

    def finish(self, me, entry, identity, epoch, state):
        self.end(me, entry, identity, state)

    def begin(self, me, entry, fields):
        record = self.records.get(identity_of(fields))
        if record and record["entry"] == entry and record["state"] == "FILLED":
            self.groups[EXECUTION].pending.pop(entry, None)
        return super().begin(me, entry, fields)


@planted("ack_after_effect", KILLS, where=EXECUTION)
def acknowledges_before_the_end(world, me, entry, fields):
    yield partial(world.ack, EXECUTION, me, entry)
    world.groups[EXECUTION].pending[entry] = Pending(me, world.now_ms)
    try:
        return (yield from execution(world, me, entry, fields))
    finally:
        world.groups[EXECUTION].pending.pop(entry, None)


@planted("conservation", ("Kill",))
class EndsWithoutAck(World):
    def end(self, me, entry, identity, state):
        self.state(identity, state)
        self.records[identity]["entry"] = entry
        self.tell_end(identity, state)

    def begin(self, me, entry, fields):
        record = self.records.get(identity_of(fields))
        if record and record["state"] == "FILLED":
            return "done", 0
        return super().begin(me, entry, fields)
