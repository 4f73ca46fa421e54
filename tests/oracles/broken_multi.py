"""Broken on purpose: counts and acknowledges in one MULTI, whoever owns the entries by then.

It is slow once: with its first batch in hand it waits until its peers, who see no heartbeat, have
taken and counted all of it. A long pause at the worst moment; a script that asks XACK would come to
no harm.
"""

import os

import redis

from streams import keys
from streams.apply_result import normalise
from streams.folding import fold
from tests.waiting import until

STREAM, GROUP = keys.STREAM_APPLY_RESULT, keys.GROUP_DECISION_INTELLIGENCE


def main():
    client = redis.Redis(port=int(os.environ["REDIS_PORT"]), decode_responses=True)
    name = os.environ["CONSUMER_NAME"]
    until(lambda: joined(client))
    paused = False
    while True:
        answer = client.xreadgroup(GROUP, name, {STREAM: ">"}, count=300, block=500)
        for _, batch in answer:
            if not paused:
                until(lambda: settled_by_others(client, batch))  # noqa: B023
                paused = True
            count(client, batch)


def joined(client):
    try:
        return client.xgroup_create(STREAM, GROUP, "0", mkstream=True)
    except redis.ResponseError as error:
        return "BUSYGROUP" in str(error)


def settled_by_others(client, batch):
    first, last = batch[0][0], batch[-1][0]
    return not client.xpending_range(STREAM, GROUP, first, last, 1)


def count(client, batch):
    pipeline = client.pipeline(transaction=True)
    for minute, fields in fold(normalise(*each) for each in batch).buckets.items():
        for name, times in fields.items():
            pipeline.hincrby(keys.bucket(minute), name, times)
    pipeline.hincrby(keys.STATUS, "processed_total", len(batch))
    pipeline.xack(STREAM, GROUP, *[entry_id for entry_id, _ in batch])
    pipeline.execute()


if __name__ == "__main__":
    main()
