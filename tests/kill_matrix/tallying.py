"""A consumer by handler has its own gathering: an entry's effect is its line among the seen."""

from fault_injection.gathering import Place, sampling
from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.reading import entries, moment, wall_ns
from fault_injection.history import happenings as h
from tests.loop.tally import GROUP, SEEN, STATUS, STREAM

FLOW = "tally"
PLACE = Place(flow=FLOW, stream=STREAM, group=GROUP)


def words(seed, count):
    return [{"word": "word", "id": f"{seed}-{n}"} for n in range(count)]


def again(fields):
    """The same word once more is another event: it has no deduplication."""
    return fields | {"id": f"{fields['id']}, again"}


def identified(place, fields):
    return fields["id"], "", ""


def evidence(place):
    return (h.EFFECTS, h.POSITIONS, h.LAG)


def flow(place, *more, fed_by_others=False):
    return h.Flow(flow=FLOW, stream=STREAM, group=GROUP, evidence=(*evidence(place), *more))


def sampled(client, places):
    return list(sampling.sampled(client, places, {FLOW: STATUS}))


def opened(client, place):
    at = moment(client, STREAM, GROUP, (SEEN,))
    return Opened(at_ms=at.place["at_ms"], last_id=at.place["last_id"], outputs=dict(at.outputs))


def ended(client, place, opened):
    at = moment(client, STREAM, GROUP, (SEEN,))
    names = {}
    for entry, fields in entries(client, STREAM, opened.last_id, at.place["last_id"]):
        names[entry] = fields["id"]
        yield h.Produced(stream=STREAM, entry=entry, identity=fields["id"])
    for ref, fields in entries(client, SEEN, opened.outputs[SEEN], at.outputs[SEEN]):
        who = names.get(fields["of"], fields["of"])
        yield h.Effect(flow=FLOW, identity=who, ref=ref, wall_ns=wall_ns(ref))
    waits = entries(client, STREAM, at.last_delivered_id, at.place["last_id"])
    yield h.Snapshot(
        flow=FLOW, last_delivered_id=at.last_delivered_id, pending=at.pending,
        undelivered=tuple(entry for entry, _ in waits),
    )  # fmt: skip
