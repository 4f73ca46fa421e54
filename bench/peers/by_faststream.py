"""The same with FastStream: a subscriber of a group, one message at a time or in batches.

python -m bench.peers.by_faststream PORT STREAM [BATCH]

Counts go by one pipeline for each call, FastStream acknowledges when the handler returns. The
decoder hands over what Redis gave, so that no JSON is made of it and read again.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import redis.asyncio
from faststream import Context, FastStream
from faststream.redis import RedisBroker, StreamSub

from bench.peers.counting import CONSUMER, GROUP, commands

POLLING_MS = 100


def app(port: int, stream: str, batch: int) -> FastStream:
    """Return the service; a `batch` of 0 means one message at a time."""
    broker = RedisBroker(f"redis://127.0.0.1:{port}", log_level=logging.DEBUG)
    client = redis.asyncio.Redis(port=port)
    # last_id 0: the group is made at the beginning of the stream
    wanted = StreamSub(
        stream, group=GROUP, consumer=CONSUMER, last_id="0", polling_interval=POLLING_MS,
        batch=bool(batch), max_records=batch or None,
    )  # fmt: skip

    async def count(message: Any = Context()) -> None:  # noqa: B008  as FastStream wants it
        ids, data = message.raw_message["message_ids"], message.raw_message["data"]
        texts = [
            (entry_id.decode(), {name.decode(): value.decode() for name, value in fields.items()})
            for entry_id, fields in zip(ids, data if batch else [data], strict=True)
        ]
        pipeline = client.pipeline(transaction=False)
        for command in commands(texts):
            pipeline.execute_command(*command)
        await pipeline.execute()

    broker.subscriber(stream=wanted, decoder=_undecoded)(count)
    return FastStream(broker)


async def _undecoded(message: Any) -> Any:
    return message.raw_message["data"]


if __name__ == "__main__":
    batched = int(sys.argv[3]) if len(sys.argv) > 3 else 0  # noqa: PLR2004
    asyncio.run(app(int(sys.argv[1]), sys.argv[2], batched).run(log_level=logging.ERROR))
