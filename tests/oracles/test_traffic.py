"""The traffic of the oracles: an identity for nearly each entry, and room for all of them."""

import time
from itertools import chain

from streams.keys import FIELDS_PER_BUCKET
from tests.independent_fold import buckets_of
from tests.oracles.gathering import identities_counted
from tests.oracles.traffic import IDENTITY, traffic

COUNT, TURNS = 1_000, 8


def made():
    """Return entries of several turns under ids of now."""
    now_ms = int(time.time() * 1000)
    turns = chain.from_iterable(traffic(7, COUNT, turn) for turn in range(TURNS))
    return [(f"{now_ms}-{n}", fields) for n, fields in enumerate(turns)]


def test_nearly_every_entry_has_an_identity_that_no_other_has():
    named = [f["symbol"] for _, f in made() if IDENTITY.fullmatch(f["symbol"])]
    assert len(set(named)) == len(named) > 0.95 * COUNT * TURNS


def test_each_identity_shows_in_its_effect():
    entries = made()
    counted = identities_counted(buckets_of(entries))
    assert set(counted) == {f["symbol"] for _, f in entries if IDENTITY.fullmatch(f["symbol"])}
    assert set(counted.values()) == {1}


def test_there_is_room_for_all_of_them_in_their_minutes():
    # turns over the same minutes ended as `overflow`, which hides who was counted
    assert max(map(len, buckets_of(made()).values())) < FIELDS_PER_BUCKET / 2
