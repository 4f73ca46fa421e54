"""The same work as others do it: per message with redis-py, with FastStream, with taskiq-redis.

Each is a program, `python -m bench.peers.NAME PORT STREAM`, that runs until it is stopped. None of
them counts exactly once: their counts and the acknowledgement are different commands, so a crash or
a lost reply between them counts an entry twice.
"""
