"""Plant a bug: in a handler, a world or a loop, with the faults that it needs to show."""

from dataclasses import dataclass, field

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
