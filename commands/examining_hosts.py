"""What each host is and has: the agent's way in, its versions, its disk, clock, Redis and units."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from redis.exceptions import RedisError

from commands.choosing import Chosen
from commands.examining import Line, State, of_error
from commands.examining_units import units_lines
from commands.scenes import open_redis
from commands.showing import Display
from harness import fanout
from harness.contact import Contact, reach_some
from harness.desired import needs_release
from harness.errors import QuantumError
from harness.releases import locks

OLDEST_PYTHON = (3, 9)
#: The versions that are tried here, and the oldest that has what a unit needs (LoadCredential).
TRIED_SYSTEMD, OLDEST_SYSTEMD = (252, 257), 247
#: Some releases, transactions and backups, in bytes.
LEAST_FREE = 512 * 1024 * 1024
#: Orders are signed with the time, and an exchange allows for no more, in seconds.
MOST_SKEW_S = 2.0
OLDEST_REDIS = 7


def hosts_lines(chosen: Chosen, display: Display) -> list[Line]:
    """Return what was found on every host; one that does not answer is one line."""
    with reach_some(chosen.hosts, display) as reached:
        answers = fanout.each(reached.contacts, lambda contact: [*_host_lines(contact)])
        found = {answer.item.host.name: answer for answer in answers}
        lines: list[Line] = []
        for host in chosen.hosts:
            answer = found.get(host.name)
            error = reached.failures.get(host.name) or (answer.error if answer else None)
            if error:
                lines.append(of_error(host.name, error.step or "reach", error))
            if answer and answer.result:
                lines += answer.result
    return lines


def _host_lines(contact: Contact) -> Iterator[Line]:
    name, facts = contact.host.name, contact.facts
    yield _agent(name, facts, sandbox=bool(contact.host.sandbox))
    yield systemd_line(name, facts)
    yield disk_line(name, int(facts["disk_free_bytes"]))
    yield _clock(contact)
    yield from _lock(contact)
    yield _redis(contact)
    yield from _standing(contact)
    yield from units_lines(contact)


def _agent(name: str, facts: Mapping[str, Any], *, sandbox: bool) -> Line:
    version = str(facts["python"])
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        why = f"its python3 is {version}, the agent needs {oldest}"
        return Line(name, "agent", State.wrong, why, "apt install python3")
    if facts["user"] != "0" and not sandbox:
        why = f"Python {version}, but as user {facts['user']}, who may not deploy"
        return Line(name, "agent", State.wrong, why, "say ansible_become: true in the inventory")
    who = "" if sandbox else ", as root"
    return Line(name, "agent", State.ok, f"answers: Python {version}{who}, {facts['machine']}")


def systemd_line(name: str, facts: Mapping[str, Any]) -> Line:
    """Judge the systemd that runs the units. Pure."""
    said = str(facts["systemd"])
    if facts["services"] != "systemd":
        why = "a small supervisor runs the units here and enforces nothing: it is a stand-in"
        return Line(name, "systemd", State.note, why)
    version = int(said) if said.isdigit() else 0
    if not version:
        return Line(
            name, "systemd", State.unknown, "its version is not known", "systemctl --version"
        )
    if version < OLDEST_SYSTEMD:
        why = f"{version} is too old: units need {OLDEST_SYSTEMD}, for LoadCredential"
        return Line(name, "systemd", State.wrong, why, "use a host with Debian 12 or 13")
    if version < TRIED_SYSTEMD[0]:
        why = f"{version} was never tried; {TRIED_SYSTEMD[0]} and newer were"
        return Line(name, "systemd", State.unknown, why, "use a host with Debian 12 or 13")
    return Line(name, "systemd", State.ok, str(version))


def disk_line(name: str, free: int) -> Line:
    """Judge what is free for transactions, releases and backups. Pure."""
    text = f"{free / 2**30:.1f} GiB free for transactions"
    if free < LEAST_FREE:
        return Line(name, "disk", State.wrong, text, "free some space below /var/lib/quantum-ops")
    return Line(name, "disk", State.ok, text)


def skew_s(before: float, there: float, after: float) -> float:
    """Return by how much a clock is off at least, having been read between two looks at ours."""
    return max(0.0, before - there, there - after)


def _clock(contact: Contact) -> Line:
    before = time.time()
    there = float(contact.session.attest(releases=[], paths=[], units={})["clock_s"])
    skew = skew_s(before, there, time.time())
    text = f"{skew:.1f} s off this laptop's" if skew >= 0.1 else "in step with this laptop's"  # noqa: PLR2004 - below, nobody minds
    if skew > MOST_SKEW_S:
        action = "timedatectl set-ntp true, there or here"
        return Line(contact.host.name, "clock", State.wrong, text, action)
    return Line(contact.host.name, "clock", State.ok, text)


def _lock(contact: Contact) -> Iterator[Line]:
    """Tell whether a release can be built for this Python on this platform."""
    import roles

    host = contact.host
    try:
        extra = needs_release([each for role in roles.of(host) for each in role.resources(host)])
        if extra is not None:
            target = locks.target_of(contact.facts, extra)
            text = f"{locks.lock_of(target).name}, for {target}"
            yield Line(host.name, "release lock", State.ok, text)
    except QuantumError as error:
        yield of_error(host.name, "release lock", error)


def _redis(contact: Contact) -> Line:
    """Tell the version of the Redis that the host's services use; before a deploy it may be new."""
    host = contact.host
    where = f"{host.text('redis_host', 'localhost')}:{host.number('redis_port', 6379)}"
    try:
        with open_redis(contact) as client:
            return redis_line(host.name, where, dict(client.info("server")))
    except (RedisError, OSError, QuantumError) as error:
        cause = error.cause if isinstance(error, QuantumError) else str(error)
        if not contact.manifest:
            why = f"{where} does not answer yet, and nothing is deployed: {cause}"
            return Line(host.name, "redis", State.note, why, f"invoke deploy -i {host.inventory}")
        return Line(host.name, "redis", State.wrong, f"{where} does not answer: {cause}",
                    f"invoke plan -i {host.inventory} --limit {host.name}")  # fmt: skip


def redis_line(name: str, where: str, info: Mapping[str, Any]) -> Line:
    """Judge a server by what it says of itself. Pure."""
    if valkey := info.get("valkey_version"):
        return Line(name, "redis", State.ok, f"Valkey {valkey} at {where}")
    version = str(info.get("redis_version", ""))
    major = version.partition(".")[0]
    if not major.isdigit():
        return Line(name, "redis", State.unknown, f"{where} does not tell its version")
    if int(major) < OLDEST_REDIS:
        why = f"Redis {version} at {where} is refused: {OLDEST_REDIS}.0 is the oldest"
        return Line(name, "redis", State.wrong, why, "use Debian 12 or 13, or a newer Redis there")
    return Line(name, "redis", State.ok, f"Redis {version} at {where}")


def _standing(contact: Contact) -> Iterator[Line]:
    """Tell what is not settled on the host."""
    name = contact.host.name
    if contact.lock:
        who = contact.lock.get("operator") or "somebody"
        yield Line(name, "deploys", State.note, f"{who} holds this host right now")
    elif contact.unfinished:
        why = f"unfinished: {', '.join(contact.unfinished)}"
        yield Line(name, "deploys", State.wrong, why, f"invoke deploy -i {contact.host.inventory}")
