"""Claim: a service may do in Redis what its work needs, and Redis refuses it the rest.

Redis itself is asked, by ACL DRYRUN, which tells whether a user may run a command and runs nothing.
What a service must be allowed is asked too: rules that are too narrow would show at the first
failure, long after the deploy. And a consumer is connected as that very user, and none with every
right: rules that nobody logs in by confine nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.exceptions import ResponseError

from proofs.finding import Finding
from proofs.reading import plain
from proofs.scene import Scene
from streams import intents, keys, routing

#: The user who has every right, and whom no service is to be.
ALL = "default"
Words = tuple[str, ...]

#: What no service may do: about the server, about everything in it, about other users.
NOBODY: tuple[Words, ...] = (
    ("FLUSHALL",), ("FLUSHDB",), ("SHUTDOWN",), ("CONFIG", "GET", "requirepass"),
    ("CONFIG", "SET", "maxmemory", "1"), ("ACL", "LIST"), ("ACL", "SETUSER", "default", "nopass"),
    ("KEYS", "*"), ("SCAN", "0"), ("MONITOR",), ("REPLICAOF", "NO", "ONE"), ("SCRIPT", "FLUSH"),
    ("FUNCTION", "LIST"), ("CLIENT", "LIST"), ("CLIENT", "KILL", "TYPE", "normal"), ("SAVE",),
    ("DEBUG", "SLEEP", "0"), ("SWAPDB", "0", "1"),
)  # fmt: skip


def gather(scene: Scene) -> dict[str, Any]:
    """Return what Redis says of each command, and as whom the group's consumers are connected."""
    needed, refused = commands(scene)
    redis, user = scene.redis, scene.flow.service
    named = {plain(each)["name"] for each in redis.xinfo_consumers(scene.stream, scene.group)}
    clients = plain(redis.client_list())
    return {
        "user": user,
        "needed": {" ".join(words): _dry(redis, user, words) for words in needed},
        "refused": {" ".join(words): _dry(redis, user, words) for words in refused},
        # one that was never given an entry is in no list of the group's
        "logged_in": sorted({each["name"] for each in clients if each["user"] == user}),
        # services of one host share a name; none of them is to be who has every right
        "with_every_right": sorted(
            {each["name"] for each in clients if each["name"] in named and each["user"] == ALL}
        ),
    }


def _dry(redis: Any, user: str, words: Words) -> str:
    """Return OK, or why not; DRYRUN's own errors (no such user) are an answer as well."""
    try:
        return str(plain(redis.execute_command("ACL DRYRUN", user, *words)))
    except ResponseError as error:
        return f"error: {error}"


def commands(scene: Scene) -> tuple[list[Words], list[Words]]:
    """Return what the service must be allowed, and what it must be refused."""
    user, stream, group = scene.flow.service, scene.stream, scene.group
    intent = scene.host.text("stream_trade_intent", intents.STREAM_TRADE_INTENT)
    heartbeat, record = keys.heartbeat(group, "c"), intents.record("of")
    dedup = routing.dedup("of")
    needed: list[Words] = [
        ("XREADGROUP", "GROUP", group, "c", "STREAMS", stream, ">"), ("XACK", stream, group, "1-1"),
        ("XCLAIM", stream, group, "c", "1", "1-1", "JUSTID"), ("PING",),
        ("XADD", keys.dead_letters(stream), "*", "f", "v"), ("SET", heartbeat, "v"),
        ("XADD", keys.ALERTS, "*", "f", "v"), ("EVAL", "return 0", "1", stream),
    ]  # fmt: skip
    refused: list[Words] = [
        *NOBODY, ("XADD", stream, "*", "f", "v"), ("DEL", stream), ("XTRIM", stream, "MAXLEN", "0"),
        ("XGROUP", "DESTROY", stream, group), ("DEL", intents.KILL_SWITCH),
        ("SET", intents.KILL_SWITCH, "v"), ("GET", keys.heartbeat("another group", "c")),
        ("DEL", keys.ALERTS), ("DEL", record), ("EVAL", "return 0", "1", "another:key"),
    ]  # fmt: skip
    match user:
        case "p35-decision-intelligence":
            needed += [("HINCRBY", keys.bucket("202601010000"), "f", "1")]
            refused += [
                ("XADD", intent, "*", "f", "v"), ("HSET", record, "f", "v"), ("SET", dedup, "v"),
                ("HSET", routing.STATUS, "f", "v"), ("HSET", intents.STATUS, "f", "v"),
            ]  # fmt: skip
        case "ai-strategy-router":
            needed += [("XADD", intent, "*", "f", "v"), ("SET", dedup, "v")]
            refused += [
                ("XREADGROUP", "GROUP", "g", "c", "STREAMS", intent, ">"), ("DEL", dedup),
                ("HSET", keys.STATUS, "f", "v"), ("HSET", intents.EXPOSURE, "f", "1"),
                ("HINCRBY", keys.bucket("202601010000"), "f", "1"),
            ]  # fmt: skip
        case "execution":
            needed += [("HSET", record, "f", "v"), ("EXISTS", intents.KILL_SWITCH)]
            refused += [
                ("SET", dedup, "v"), ("HSET", keys.STATUS, "f", "v"), ("DEL", intents.EXPOSURE),
                ("HSET", routing.STATUS, "f", "v"),
                ("HINCRBY", keys.bucket("202601010000"), "f", "1"),
            ]  # fmt: skip
        case other:
            raise ValueError(f"nobody has said what {other} may not do in Redis")
    return needed, refused


def check(evidence: Mapping[str, Any]) -> Finding:
    """Refute for one command too many, or too few, and for a consumer under another name."""
    user, needed, refused = (evidence[name] for name in ("user", "needed", "refused"))
    if not needed or not refused:
        return Finding.unknown("no command was asked about")
    wrong = [f"{user} may {words}" for words, said in refused.items() if said == "OK"]
    wrong += [f"{user} may not {words}: {said}" for words, said in needed.items() if said != "OK"]
    wrong += [f"{words}: {said}" for words, said in refused.items() if said.startswith("error: ")]
    wrong += [f"{name} is connected as {ALL}" for name in evidence["with_every_right"]]
    if wrong:
        return Finding.refuted(*wrong)
    if not evidence["logged_in"]:
        return Finding.unknown(f"no consumer is connected, so none was seen as {user}")
    return Finding.proved(
        f"{user} may {len(needed)} commands that it needs and is refused {len(refused)} others",
        needed=len(needed), refused=len(refused),
    )  # fmt: skip
