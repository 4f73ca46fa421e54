"""Broken routers."""

from functools import partial

from tests.checkers.consumers import looping
from tests.checkers.mutants.planting import FREEZES, KILLS, REPLIES, planted
from tests.checkers.world import (
    MOVED,
    ROUTING,
    STREAMS,
    LostReplyError,
    World,
    identity_of,
)


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
