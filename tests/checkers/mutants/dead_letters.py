"""What becomes of entries that nobody can read, done wrong."""

from tests.checkers.mutants.planting import REPLIES, planted
from tests.checkers.world import (
    ROUTING,
    LostReplyError,
    World,
)


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
