"""Broken counts."""

from functools import partial

from tests.checkers.mutants.planting import KILLS, REPLIES, planted
from tests.checkers.world import (
    COUNTING,
    LostReplyError,
    World,
)


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
