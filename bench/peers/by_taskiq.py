"""The same with taskiq-redis: each entry is a task of its own on the stream broker.

python -m bench.peers.by_taskiq PORT STREAM

taskiq reads none but its own messages, so the entries come wrapped as such. A task raises its
counts by one pipeline; taskiq acknowledges each as it ends. One worker, as it is by default.
"""

from __future__ import annotations

import asyncio
import sys

import redis.asyncio
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

from bench.peers.counting import CONSUMER, GROUP, commands

TASK = "count"
#: Read so many ahead, or it waits for each: its own default.
PREFETCH = 100


async def main(port: int, stream: str) -> None:
    """Work until stopped."""
    broker = RedisStreamBroker(
        f"redis://127.0.0.1:{port}", queue_name=stream, consumer_group_name=GROUP,
        consumer_name=CONSUMER, consumer_id="0",
    )  # fmt: skip
    client = redis.asyncio.Redis(port=port)

    async def count(fields: dict[str, str]) -> None:
        pipeline = client.pipeline(transaction=False)
        for command in commands([("0-0", fields)]):
            pipeline.execute_command(*command)
        await pipeline.execute()

    broker.task(task_name=TASK)(count)
    await run_receiver_task(broker, run_startup=True, max_prefetch=PREFETCH)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
