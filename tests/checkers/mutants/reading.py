"""Reading, claiming and groups, done wrong."""

from functools import partial

from tests.checkers.mutants.planting import FREEZES, KILLS, TROUBLE, planted
from tests.checkers.world import (
    MOVED,
    LostReplyError,
    World,
)


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
