"""What can happen in a run: one value for each kind of line of its history.

Whoever runs a day makes them without stamps and hands them to the Writer. `flow` names a Flow,
`entry` is an entry's id in Redis, `identity` what must have one effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")

#: What a run gathers about a flow. Checkers ask no flow for what it does not say here.
EFFECTS = "effects"  #: each accepted effect, by identity
SUMS = "sums"  #: effects are counts in buckets, and cannot be told apart
STATES = "states"  #: every change of an identity's record, and every terminal state
ENDS = "ends"  #: every terminal state, as read in the end
ACKS = "acks"  #: every XACK that answered 1
DELIVERIES = "deliveries"  #: every entry handed to a consumer
CLAIMS = "claims"  #: every entry taken from another consumer
CALLS = "calls"  #: every request that reached the exchange
ORDER = "order"  #: effects of one key come in the order of their entries
POSITIONS = "positions"  #: the group's last-delivered-id, again and again
LAG = "lag"  #: lag and pending, again and again
EVIDENCE = (EFFECTS, SUMS, STATES, ENDS, ACKS, DELIVERIES, CLAIMS, CALLS, ORDER, POSITIONS, LAG)

#: How an operation ends: done; not done, for certain; nobody knows.
OK, FAIL, INFO = "ok", "fail", "info"

#: What becomes of a fault, in this order.
PLANNED, ARMED, INJECTED = "planned", "armed", "injected"
OBSERVED, UNDONE, GONE, DISARMED = "observed", "undone", "gone", "disarmed"
STAGES = (PLANNED, ARMED, INJECTED, OBSERVED, UNDONE, GONE, DISARMED)

BEFORE, DURING, AFTER = "before", "during", "after"

#: The process that tells how far the run itself has come, and its words for it.
RUN, BEGINS, ENDED_EARLY = "run", "begins", "ended early"

#: How an entry comes to a consumer: by `>`, from its own pending list, taken from another one.
NEW, OWN, CLAIMED = "new", "own", "claimed"

#: What the exchange is asked, and what it answers. NO_REPLY: the caller heard nothing.
SUBMIT, QUERY = "submit", "query"
ACCEPTED, REFUSED, FOUND, NO_SUCH_ORDER, NO_REPLY = (
    "accepted", "refused", "found", "no_such_order", "no_reply",
)  # fmt: skip

#: Who tells how a deploy ended: it with its last words, the ledger here, the journals of the hosts.
SAID, LEDGER, JOURNALS = "said", "ledger", "journals"

#: What a consumer tells by itself: an entry that was trimmed away; a group that was moved back.
LOST, GROUP_MOVED = "lost", "group_moved"


@dataclass_transform(frozen_default=True, kw_only_default=True)
def value(kind: type[T]) -> type[T]:
    """Make a frozen slotted dataclass; that it is frozen is for the type checker to see.

    Held at run time as well, it makes a value three times as dear, and a history has a million.
    """
    return dataclass(slots=True, kw_only=True)(kind)


@value
class Happening:
    """What all lines say; the Writer sets it."""

    n: int = -1  #: its place in the file, from 0
    wall_ns: int = 0  #: when it happened; a time that is given stays, as the word of its source
    mono_ns: int = 0  #: when it was written, by the harness's monotonic clock


@value
class Opening(Happening):
    """The first line: what is run, and what it has to show."""

    tool: str
    version: str
    seed: int
    schedule: str  #: sha256 of the schedule's bytes
    inventory: str
    mode: str
    scenario: str = ""
    at_least: int = 1  #: so many operations must have ended well
    targets: tuple[str, ...] = ()  #: states that must be reached
    rests_on: tuple[str, ...] = ()  #: checkers that must have something to look at
    back_for: int = 5  #: recovered means: at the baseline for so many samples
    back_within_s: int = 60  #: and so soon after the fault was gone
    skew_ns: int = 0  #: clocks of two sources may differ by so much


@value
class Flow(Happening):
    """A stream, its group, and what is gathered about it."""

    flow: str
    stream: str
    group: str
    evidence: tuple[str, ...]
    #: its entries come from a consumer, not from the operations of this history
    fed_by_others: bool = False
    claim_idle_ms: int = 0


@value
class Invoked(Happening):
    """An operation begins: an event is produced, a deploy is started, ..."""

    op: str
    process: str
    what: str = "produce"
    stream: str = ""
    identity: str = ""
    digest: str = ""  #: of what its effect must say
    key: str = ""  #: whose order counts
    wants: str = ""  #: of a deploy: the release


@value
class Ended(Happening):
    """An operation's end; one without it was cut off, which is `info`."""

    op: str
    how: str
    entry: str = ""
    why: str = ""


@value
class Produced(Happening):
    """An entry that stands in a stream: as its XADD was answered, or as it was read back."""

    stream: str
    entry: str
    identity: str
    digest: str = ""
    key: str = ""
    adds: tuple[str, ...] = ()  #: what it adds to buckets: "YYYYMMDDHHMM field"


@value
class Removed(Happening):
    """An entry that a fault took out of its stream (XDEL, XTRIM)."""

    stream: str
    entry: str


@value
class Call(Happening):
    """A request that reached the exchange, and what it said."""

    flow: str
    identity: str
    verb: str
    order: str  #: client order id
    answer: str
    leg: str = ""


@value
class Delivery(Happening):
    """An entry that a consumer got; the last three are of a claim."""

    flow: str
    entry: str
    consumer: str
    how: str
    idle_ms: int = 0
    owner: str = ""  #: whose it was
    owner_lives: bool = False  #: by its heartbeat


@value
class Ack(Happening):
    """An XACK that answered 1."""

    flow: str
    entry: str
    consumer: str = ""


@value
class Effect(Happening):
    """An accepted effect; the same `ref` seen twice is the same effect."""

    flow: str
    identity: str
    ref: str  #: of the intent, the order, ...
    entry: str = ""  #: what it was made for
    digest: str = ""
    leg: str = ""  #: one identity has one effect for each leg
    outcome: str = ""  #: of an order: FILLED or another word of the exchange


@value
class State(Happening):
    """A record's change, "" for one that was not there before."""

    flow: str
    identity: str
    before: str
    after: str


@value
class Terminal(Happening):
    """An entry that tells how an identity ended."""

    flow: str
    identity: str
    state: str
    ref: str


@value
class DeadLetter(Happening):
    """A copy of an entry among the dead letters."""

    flow: str
    entry: str
    ref: str
    reason: str = ""


@value
class Told(Happening):
    """What a consumer told by itself: LOST or GROUP_MOVED."""

    flow: str
    what: str
    entry: str = ""
    said: str = ""


@value
class Position(Happening):
    """Where a group stands; "" where it is gone."""

    flow: str
    last_delivered_id: str


@value
class Sample(Happening):
    """How much waits."""

    flow: str
    lag: int
    pending: int


@value
class Process(Happening):
    """What became of a process: started, killed, frozen, thawed, ended, ..."""

    name: str
    did: str
    said: str = ""


@value
class Fault(Happening):
    """A stage of a fault."""

    fault: str  #: its number in the schedule
    name: str
    stage: str
    target: str = ""
    moves: str = ""  #: the flow whose group it moves back, if that is what it does
    said: str = ""


@value
class Reached(Happening):
    """A state that the run was to reach."""

    target: str
    said: str = ""


@value
class Steady(Happening):
    """Whether the system was well, before, during or after the faults."""

    phase: str
    well: bool
    said: str = ""


@value
class Proof(Happening):
    """What a claim's check said in the end: proved, refuted, unknown."""

    claim: str
    verdict: str
    reasons: tuple[str, ...] = ()


@value
class Sums(Happening):
    """A minute's bucket in the end."""

    flow: str
    minute: str
    fields: Mapping[str, int] = field(default_factory=dict)


@value
class Dedup(Happening):
    """Deduplication keys in the end: identity -> the id that its key names."""

    flow: str
    values: Mapping[str, str] = field(default_factory=dict)


@value
class Records(Happening):
    """Intent records in the end: identity -> state."""

    flow: str
    values: Mapping[str, str] = field(default_factory=dict)


@value
class Snapshot(Happening):
    """Where a group stood in the end, by ids; the last of what is read of a flow."""

    flow: str
    last_delivered_id: str
    pending: tuple[str, ...] = ()
    undelivered: tuple[str, ...] = ()


@value
class Recorded(Happening):
    """How a deploy ended, as one of those tells it who know."""

    op: str
    by: str  #: SAID, LEDGER or JOURNALS
    outcome: str = ""  #: for all hosts together; "" where nothing is said of it
    hosts: Mapping[str, str] = field(default_factory=dict)  #: host -> how it ended there


@value
class Stands(Happening):
    """What stands on a host after a deploy came to rest, or before the first one."""

    host: str
    release: str  #: whole, by its name; "" for anything else
    op: str = ""  #: the last one that began before
    at_rest: bool = True  #: nobody holds the host, nothing there is undecided, no fault is on it
    said: str = ""  #: what is otherwise than it should be


@value
class Resumed(Happening):
    """Another process goes on for a harness that died; `torn` bytes of its last line stay."""

    torn: int
    said: str = ""


@value
class Closing(Happening):
    """The last line: the run came to its end."""

    said: str = ""


#: How a line says what it is.
KINDS: Mapping[str, type[Happening]] = {
    "opening": Opening,
    "flow": Flow,
    "invoked": Invoked,
    "ended": Ended,
    "produced": Produced,
    "removed": Removed,
    "call": Call,
    "delivery": Delivery,
    "ack": Ack,
    "effect": Effect,
    "state": State,
    "terminal": Terminal,
    "dead_letter": DeadLetter,
    "told": Told,
    "position": Position,
    "sample": Sample,
    "process": Process,
    "fault": Fault,
    "reached": Reached,
    "steady": Steady,
    "proof": Proof,
    "sums": Sums,
    "dedup": Dedup,
    "records": Records,
    "snapshot": Snapshot,
    "recorded": Recorded,
    "stands": Stands,
    "resumed": Resumed,
    "closing": Closing,
}
