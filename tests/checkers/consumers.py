"""Correct consumers of the small world: generators, each yield one command and one boundary."""

from functools import partial

from tests.checkers.world import COUNTING, EXECUTION, MOVED, ROUTING, LostReplyError, identity_of

STATE_OF = {"FILLED": "FILLED", "CANCELED": "FAILED", "REFUSED": "REJECTED"}


def looping(world, flow, me, handle):
    """Own pending first, then new ones; from the start again after every lost reply."""
    own = True
    while True:
        try:
            batch = yield partial(world.read, flow, me, own)
            if batch == MOVED:
                continue
            if not batch and not own:
                yield partial(world.reclaim, flow, me)
                own = True
                continue
            waits = False
            for entry, fields in batch:
                if fields is None:
                    yield partial(world.tell_lost, flow, me, entry)
                elif fields["poison"]:
                    yield partial(world.give_up, flow, me, entry, "schema")
                else:
                    waits |= bool((yield from handle(world, me, entry, fields)))
            own = own and bool(batch) and not waits
        except LostReplyError:
            own = True


def counting(world, me, entry, fields):
    yield partial(world.count, me, [(entry, fields)])


def routing(world, me, entry, fields):
    yield partial(world.route, me, entry, fields)


def execution(world, me, entry, fields):
    """Return True where nothing is known yet, and the entry waits."""
    what, epoch = yield partial(world.begin, me, entry, fields)
    if what == "done":
        return False
    identity = identity_of(fields)
    order = f"q-{identity}"
    try:
        if what == "ask":
            outcome = yield partial(world.query, identity, order)
            if outcome is None:
                epoch = yield partial(world.send_again, identity, entry, epoch)
                if not epoch:
                    return True
        if what == "submit" or outcome is None:
            until_ms = world.records[identity]["until_ms"]
            outcome = yield partial(world.submit, identity, order, until_ms)
    except LostReplyError:
        return True
    yield partial(world.finish, me, entry, identity, epoch, STATE_OF[outcome])
    return False


HANDLERS = {COUNTING: counting, ROUTING: routing, EXECUTION: execution}
