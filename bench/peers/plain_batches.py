"""What one writes by hand for speed with redis-py: batches of 1000, one pipeline for what they add.

The pipeline also acknowledges. It is no transaction, and would not be exactly once if it were.
"""

from __future__ import annotations

import sys
from typing import Any

import redis

from bench.peers.counting import CONSUMER, GROUP, commands

BATCH, BLOCK_MS = 1000, 500


def main(port: int, stream: str) -> None:
    """Count until stopped."""
    client: Any = redis.Redis(port=port, decode_responses=True)
    client.xgroup_create(stream, GROUP, "0", mkstream=True)
    while True:
        answer = client.xreadgroup(GROUP, CONSUMER, {stream: ">"}, count=BATCH, block=BLOCK_MS)
        for _, entries in answer:
            pipeline = client.pipeline(transaction=False)
            for command in commands(entries):
                pipeline.execute_command(*command)
            pipeline.xack(stream, GROUP, *(entry_id for entry_id, _ in entries))
            pipeline.execute()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
