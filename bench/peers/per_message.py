"""The plain way with redis-py: one entry read, each count raised, the entry acknowledged.

Six round trips for an entry: XREADGROUP COUNT 1, three HINCRBY, one for the total, XACK. A bucket's
lifetime is set as a minute is first met.
"""

from __future__ import annotations

import sys
from typing import Any

import redis

from bench.peers.counting import CONSUMER, GROUP, commands

BLOCK_MS = 500


def main(port: int, stream: str) -> None:
    """Count until stopped."""
    client: Any = redis.Redis(port=port, decode_responses=True)
    client.xgroup_create(stream, GROUP, "0", mkstream=True)
    met = set()
    while True:
        answer = client.xreadgroup(GROUP, CONSUMER, {stream: ">"}, count=1, block=BLOCK_MS)
        for _, entries in answer:
            for entry_id, fields in entries:
                for command in commands([(entry_id, fields)]):
                    if command[0] == "EXPIRE" and command[1] in met:
                        continue
                    met.add(command[1])
                    client.execute_command(*command)
                client.xack(stream, GROUP, entry_id)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
