"""Broken on purpose: counts in one call and acknowledges in later ones; a kill between doubles."""

import os

import redis

from consumers.loop.reading import Place, Reader, join
from streams import keys
from streams.apply_result import normalise
from streams.folding import fold


def main():
    client = redis.Redis(port=int(os.environ["REDIS_PORT"]), decode_responses=True, protocol=2)
    client.set_response_callback("XREADGROUP", lambda answer, **_: answer)
    client.set_response_callback("XREAD", lambda answer, **_: answer)
    stream, group = keys.STREAM_APPLY_RESULT, keys.GROUP_DECISION_INTELLIGENCE
    place = Place(stream, group, os.environ["CONSUMER_NAME"], keys.STATUS, keys.STATUS)
    join(client, place)
    reader = Reader(client, place)
    while True:
        entries = reader.next(300, 300, 500)
        if not entries:
            continue
        results = [normalise(id_, dict(zip(f[::2], f[1::2], strict=True))) for id_, f in entries]
        pipeline = client.pipeline(transaction=True)
        for minute, fields in fold(results).buckets.items():
            for name, count in fields.items():
                pipeline.hincrby(keys.bucket(minute), name, count)
        pipeline.hincrby(keys.STATUS, "processed_total", len(entries))
        pipeline.execute()
        for entry_id, _ in entries:
            client.xack(stream, group, entry_id)


if __name__ == "__main__":
    main()
