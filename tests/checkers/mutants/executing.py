"""Broken ways of an intent to its end."""

from functools import partial

from tests.checkers.consumers import STATE_OF, execution
from tests.checkers.mutants.planting import FREEZES, KILLS, REPLIES, TROUBLE, planted
from tests.checkers.world import (
    EXECUTION,
    LostReplyError,
    Pending,
    World,
    identity_of,
)


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
