"""Plan which consumer is hit when, and how: the same seed gives the same plan."""

import random
from typing import NamedTuple

#: kill -9 and a start under the same name | a short freeze, its heartbeat lives on | a freeze past
#: the end of its heartbeat, so that its peers take over what it has.
WAYS = {"kill": 2, "freeze": 1, "absence": 1}
#: So many may be frozen at a time, or nobody is left to make progress.
MOST_FROZEN = 2
#: An absence lasts so many rounds.
ABSENT_FOR = (2, 6)


class Blow(NamedTuple):
    """What happens to one consumer: kill | freeze | absence, or the end of these: thaw."""

    what: str
    victim: int


class Round(NamedTuple):
    """Blows that fall once so many entries are counted."""

    counted: int
    blows: tuple[Blow, ...]


def planned(seed, rounds, count, victims):
    """Return `rounds` rounds among `count` entries, each with one new blow, and what ends some."""
    chance = random.Random(seed)
    # none near the end: who is frozen there has nothing in hand any more
    moments = sorted(chance.sample(range(count // 100, count - count // 10), rounds))
    ends, plan = {}, []
    for number, moment in enumerate(moments):
        blows = []
        for victim in [each for each, end in ends.items() if end <= number]:
            del ends[victim]
            # half of those who were absent never come back: their next incarnation does
            blows.append(Blow(chance.choice(("thaw", "kill")), victim))
        way = chance.choices(list(WAYS), list(WAYS.values()))[0]
        if len(ends) >= MOST_FROZEN:
            way = "kill"
        victim = chance.choice([each for each in range(victims) if each not in ends])
        blows.append(Blow(way, victim))
        if way != "kill":
            lasts = 1 if way == "freeze" else chance.randint(*ABSENT_FOR)
            ends[victim] = number + lasts
        plan.append(Round(moment, tuple(blows)))
    return tuple(plan)
