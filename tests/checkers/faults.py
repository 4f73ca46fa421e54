"""Faults of the small world: each injected, observed by its trace, undone and seen to be gone."""

from abc import ABC, abstractmethod

from fault_injection.history import happenings as h
from streams.ids import id_key
from tests.checkers.world import COUNTING, EXECUTION, ROUTING, STREAMS

#: Steps.
SHORT, LONG = 25, 110


class Fault(ABC):
    """From its step on until what it does was seen and `lasts` steps have gone by."""

    lasts = SHORT
    needs_peers = False
    moves = ""

    def __init__(self, run, number, at):
        self.run, self.number, self.at = run, number, at
        self.began, self.seen, self.over = None, False, False

    def say(self, stage):
        self.run.world.say(h.Fault(fault=self.number, name=type(self).__name__, stage=stage,
                                   moves=self.moves))  # fmt: skip

    def go_on(self):
        step = self.run.step
        if self.over or step < self.at:
            return
        if self.began is None:
            if not self.possible():
                return
            self.inject()
            self.began = step
            self.say(h.INJECTED)
        if not self.seen and self.visible():
            self.seen = True
            self.say(h.OBSERVED)
        if self.seen and step - self.began >= self.lasts:
            self.undo()
            self.say(h.UNDONE)
            self.over = True
            self.say(h.GONE)

    def possible(self):
        return True

    def visible(self):
        return True

    @abstractmethod
    def inject(self):
        """Make it so."""

    def undo(self):  # noqa: B027  most leave nothing behind
        """Make it as before."""


class Kill(Fault):
    """A consumer dies at a random boundary and comes back under its name."""

    flow = None

    def possible(self):
        alive = [each for each in self.run.processes if each.lives and not each.frozen
                 and self.flow in (None, each.flow)]  # fmt: skip
        busy = [each for each in alive if self.holds(each)]
        self.victim = self.run.chance.choice(busy) if busy else None
        return bool(busy)

    def holds(self, process):
        pending = self.run.world.groups[process.flow].pending.values()
        return any(each.owner == process.name for each in pending)

    def inject(self):
        self.run.kill(self.victim)

    def undo(self):
        self.run.start(self.victim)


class KillOfMany(Kill):
    """Again and again one that is at work dies, and is started at once."""

    lasts = LONG
    kills = 0

    def inject(self):
        self.run.kill(self.victim)
        self.run.start(self.victim)
        self.kills += 1

    def go_on(self):
        super().go_on()
        again = self.began is not None and not self.over and self.run.chance.random() < 0.2
        if again and self.possible():
            self.inject()

    def visible(self):
        return self.kills > 2

    def undo(self):
        pass


class Death(Kill):
    """One never comes back: its peers take over; another one takes its place in the end."""

    needs_peers = True
    lasts = LONG

    def undo(self):
        self.victim.name += "-again"
        self.run.start(self.victim)


class Outage(Kill):
    """One is down for long, and what waits for it grows."""

    lasts = LONG


class Freeze(Kill):
    """SIGSTOP past the heartbeat's end, amid its work; it wakes up with a stale claim."""

    needs_peers = True
    lasts = LONG

    def inject(self):
        self.victim.frozen = True

    def undo(self):
        self.victim.frozen = False


class FreezeOfCounting(Freeze):
    flow = COUNTING


class LostReplies(Fault):
    lasts = LONG

    def inject(self):
        self.run.losses = 0
        self.run.losing = 0.3

    def visible(self):
        return self.run.losses > 0

    def undo(self):
        self.run.losing = 0.0


class ExchangeInTrouble(Fault):
    lasts = LONG

    def inject(self):
        self.run.world.exchange_in_trouble = 0.7

    def undo(self):
        self.run.world.exchange_in_trouble = 0.0


class Duplicates(Fault):
    lasts = LONG

    def inject(self):
        self.run.doubling = 0.7

    def undo(self):
        self.run.doubling = 0.0


class RepeatedIntents(Fault):
    """Somebody publishes intents again that are there already."""

    def possible(self):
        return len(self.run.world.ids[STREAMS[EXECUTION]]) > 2

    def inject(self):
        world = self.run.world
        intents = world.streams[STREAMS[EXECUTION]]
        for entry in world.ids[STREAMS[EXECUTION]][-3:]:
            world.add(STREAMS[EXECUTION], intents[entry])
            world.now_ms += 1


class MemoryFull(Fault):
    def inject(self):
        self.run.refusing = True

    def undo(self):
        self.run.refusing = False


class TrimPending(Fault):
    """XDEL of an entry that nobody has an effect of yet."""

    flow = ROUTING

    def possible(self):
        group = self.run.world.groups[self.flow]
        stream = self.run.world.streams[STREAMS[self.flow]]
        # its owner is dead, so it comes to the next one without its fields
        mute = {each.name for each in self.run.processes if not each.lives}
        self.found = [entry for entry, of in group.pending.items()
                      if of.owner in mute and stream[entry] is not None]  # fmt: skip
        if not self.found and not mute:
            idle = [each for each in self.run.processes if each.flow == self.flow
                    and not each.frozen]  # fmt: skip
            holding = [each for each in idle if any(
                of.owner == each.name for of in group.pending.values())]  # fmt: skip
            if holding:
                self.victim = holding[0]
                self.victim.body = self.victim.wanted = None
                self.run.world.say(h.Process(name=self.victim.name, did="killed"))
        return bool(self.found) and hasattr(self, "victim")

    def inject(self):
        for entry in self.found:
            self.run.world.remove(self.flow, entry)

    def undo(self):
        self.run.start(self.victim)


class SetIdBack(Fault):
    flow = moves = COUNTING

    def possible(self):
        group = self.run.world.groups[self.flow]
        return group.high_water != "0-0" and not group.pending

    def inject(self):
        world = self.run.world
        group = world.groups[self.flow]
        self.stood = group.last
        entries = sorted(world.streams[STREAMS[self.flow]], key=id_key)
        group.last = entries[max(0, entries.index(self.stood) - 10)]
        self.run.look()

    def undo(self):
        group = self.run.world.groups[self.flow]
        group.last = max(group.last, self.stood, key=id_key)
        self.run.look()


class KillOfExecution(Kill):
    flow = EXECUTION


KINDS = {
    kind.__name__: kind
    for kind in (
        Kill, KillOfMany, KillOfExecution, Outage, Death, Freeze, FreezeOfCounting, LostReplies,
        ExchangeInTrouble, Duplicates, RepeatedIntents, MemoryFull, TrimPending, SetIdBack,
    )
}  # fmt: skip
