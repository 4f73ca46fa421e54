"""Read from Redis what became of every identity, past the code that is under test."""

from collections import Counter

from tests.consumers.running import GROUP, STREAM
from tests.independent_fold import buckets_in
from tests.oracles.checking import History
from tests.oracles.traffic import IDENTITY

PAGE = 5_000


def entries(client, stream=STREAM, after="-"):
    """Yield (id, fields) of everything in the stream past `after`."""
    while page := client.xrange(stream, after, "+", PAGE):
        yield from page
        after = f"({page[-1][0]}"


def pending(client, stream=STREAM, group=GROUP):
    """Yield the ids of everything pending."""
    after = "-"
    while page := client.xpending_range(stream, group, after, "+", PAGE):
        yield from (each["message_id"] for each in page)
        after = f"({page[-1]['message_id']}"


def identities_counted(buckets):
    """Return identity -> how often the buckets count it."""
    counted = Counter()
    for fields in buckets.values():
        for name, times in fields.items():
            kind, _, rest = name.partition(":")
            identity = rest.partition(":")[0]
            if kind == "symbol_reason" and IDENTITY.fullmatch(identity):
                counted[identity] += times
    return counted


def history(client, produced_ids):
    """Return where each identity is; `produced_ids`: what the producer was answered, in order."""
    named = {
        entry_id: fields["symbol"]
        for entry_id, fields in entries(client)
        if IDENTITY.fullmatch(fields["symbol"])
    }
    everything = [entry_id for entry_id, _ in entries(client)]
    assert everything == produced_ids
    (place,) = [each for each in client.xinfo_groups(STREAM) if each["name"] == GROUP]
    last = place["last-delivered-id"]

    def of(ids):
        return frozenset(named[each] for each in ids if each in named)

    return History(
        produced=frozenset(named.values()),
        settled=identities_counted(buckets_in(client)),
        pending=of(pending(client)),
        undelivered=of(entry_id for entry_id, _ in entries(client, after=f"({last}")),
        dead=of(fields["original_id"] for _, fields in entries(client, f"{STREAM}:dlq")),
    )
