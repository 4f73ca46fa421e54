"""Change named settings, the rules of a user, or the pace of a Redis of this host.

All of it lives in the server's memory, so that one that was started since has nothing to undo.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from . import resp
from .boundaries import cross
from .failing import AgentError
from .machine import Machine

WITHIN_S = 10.0
#: A Redis that does not answer a write within this time is paused, in seconds.
PAUSED_S = 0.5
#: While all is paused, so is the word that would end it: it has to end by itself before long.
LONGEST_PAUSE_MS = {"write": 3_600_000, "all": 60_000}
#: What may cut off the undo, hold a secret, or is a program to run.
UNTOUCHED = re.compile(r"pass|auth|port|bind|socket|tls|acl|user|proctitle|dir|filename|maxclients")
#: What leaves nothing of a user's rules; the same as `reset`, but for a word that it would add.
NOTHING = ("off", "resetpass", "resetkeys", "resetchannels", "-@all", "clearselectors")
#: A word that a user's rules mean also where they do not say it.
DEFAULT = "sanitize-payload"
#: The words of a user's rules: what is in brackets is one.
WORDS = re.compile(r"\([^)]*\)|\S+")
_SETTING = re.compile(r"[a-z][a-z0-9-]*")
_WHERE = ("host", "port", "user", "password_file")


def refuse(machine: Machine, step: Mapping[str, Any]) -> None:
    """Raise AgentError for what is not to be changed, or a Redis that does not let us."""
    if sum(key in step for key in ("config", "pause", "acl")) != 1:
        raise AgentError("request", "a redis step has one of config, pause and acl")
    for name in step.get("config", {}):
        if not _SETTING.fullmatch(name) or UNTOUCHED.search(name):
            raise AgentError("refused", f"the setting {name!r} is not for a fault to change")
    pause, acl = step.get("pause"), step.get("acl")
    if pause is not None:
        most = LONGEST_PAUSE_MS.get(pause.get("what"), 0)
        if not isinstance(pause.get("ms"), int) or not 1 <= pause["ms"] <= most:
            raise AgentError("request", f"a pause of {pause} is none: write or all, at most {most}")
    if acl is not None and any(rule.startswith((">", "<")) for rule in acl["rules"]):
        raise AgentError("refused", "rules name a password by its digest (#) alone")
    with _connected(machine, _where(step)) as redis:
        if acl is not None and redis.ask("ACL", "WHOAMI") == acl["user"]:
            raise AgentError("refused", f"the undo logs in as {acl['user']}: it has to stay")
        for name in step.get("config", {}):
            if not redis.pairs("CONFIG", "GET", name):
                raise AgentError("refused", f"this Redis has no setting {name!r}")


def records(machine: Machine, step: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield which server it is and what it says now of all that will be changed."""
    del name
    record: dict[str, Any] = {"where": _where(step)}
    with _connected(machine, record["where"]) as redis:
        record["run_id"] = _run_id(redis)
        if "config" in step:
            record["after"] = {key: str(value) for key, value in step["config"].items()}
            record["before"] = redis.pairs("CONFIG", "GET", *record["after"])
        elif "acl" in step:
            record["acl"] = {"user": step["acl"]["user"], "rules": list(step["acl"]["rules"])}
            record["before"] = _rules(redis, step["acl"]["user"])
        else:
            record["pause"] = {key: step["pause"][key] for key in ("ms", "what")}
    yield record


def do(machine: Machine, record: Mapping[str, Any]) -> None:
    """Change it, with one command."""
    with _connected(machine, record["where"]) as redis:
        cross()
        if "after" in record:
            redis.ask("CONFIG", "SET", *_flat(record["after"]))
        elif "acl" in record:
            redis.ask("ACL", "SETUSER", record["acl"]["user"], *record["acl"]["rules"])
        else:
            pause = record["pause"]
            redis.ask("CLIENT", "PAUSE", str(pause["ms"]), pause["what"].upper())
        cross()


def observe(machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what it says now; a server that is not there any more has no fault left."""
    if "pause" in record:
        return _observe_pause(machine, record)
    try:
        with _connected(machine, record["where"]) as redis:
            if _run_id(redis) != record["run_id"]:
                return {"on": False, "gone": True, "server": "another"}
            if "acl" in record:
                is_before = _rules(redis, record["acl"]["user"]) == record["before"]
                return {"on": not is_before, "gone": is_before}
            now = redis.pairs("CONFIG", "GET", *record["after"])
            is_before = now == record["before"]
            return {"on": not is_before, "gone": is_before, "config": now}
    except ConnectionRefusedError:
        return {"on": False, "gone": True, "server": "none"}


def undo(machine: Machine, record: Mapping[str, Any]) -> None:
    """Give back what it said before, if it is still the same server."""
    # in a pause of everything each word waits for the pause's end
    more_s = record["pause"]["ms"] / 1000 if record.get("pause", {}).get("what") == "all" else 0.0
    try:
        with _connected(machine, record["where"], WITHIN_S + more_s) as redis:
            if _run_id(redis) != record["run_id"]:
                return
            cross()
            if "after" in record:
                redis.ask("CONFIG", "SET", *_flat(record["before"]))
            elif "pause" in record:
                redis.ask("CLIENT", "UNPAUSE")
            elif record["before"] is None:
                redis.ask("ACL", "DELUSER", record["acl"]["user"])
            else:
                skipped = f"skip-{DEFAULT}" in record["acl"]["rules"]
                words = (*NOTHING, *([DEFAULT] if skipped else []), *record["before"])
                redis.ask("ACL", "SETUSER", record["acl"]["user"], *words)
    except ConnectionRefusedError:
        return


def _observe_pause(machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for what counts as a write and changes nothing: one that is paused does not answer."""
    try:
        with _connected(machine, record["where"], PAUSED_S) as redis:
            redis.ask("PFCOUNT", "quantum:none")
    except ConnectionRefusedError:
        return {"on": False, "gone": True, "server": "none"}
    except TimeoutError:
        return {"on": True, "gone": False}
    return {"on": False, "gone": True}


def _where(step: Mapping[str, Any]) -> dict[str, Any]:
    given = {"host": "127.0.0.1", "port": 6379, "user": "", "password_file": "", **step}
    return {key: given[key] for key in _WHERE}


@contextlib.contextmanager
def _connected(
    machine: Machine, where: dict[str, Any], within_s: float = WITHIN_S
) -> Iterator[resp.Redis]:
    """Yield a connection; what goes wrong with it says whose it is."""
    try:
        with resp.connected(machine, where, within_s) as redis:
            yield redis
    except socket.timeout:  # of Python 3.9, which is no TimeoutError
        raise TimeoutError(f"Redis at port {where['port']} does not answer") from None


def _run_id(redis: resp.Redis) -> str:
    found = re.search(r"^run_id:(\w+)", redis.ask("INFO", "server"), re.MULTILINE)
    return found[1] if found else ""


def _rules(redis: resp.Redis, user: str) -> list[str] | None:
    """Return a user's rules as words for SETUSER, None when there is no such user."""
    head = f"user {user} "
    for line in redis.ask("ACL", "LIST"):
        if line.startswith(head):
            return words_of(line[len(head) :])
    return None


def words_of(rules: str) -> list[str]:
    """Return the words of a user's rules, but for one that goes without saying."""
    return [word for word in WORDS.findall(rules) if word != DEFAULT]


def _flat(settings: Mapping[str, str]) -> list[str]:
    return [word for pair in settings.items() for word in pair]
