"""Drop, lose or reset packets of named ports by a table of its own; the undo deletes the table.

A table is made and deleted as a whole, no reboot keeps it, and nobody else's rules are touched.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .boundaries import cross
from .failing import AgentError
from .machine import Machine
from .processes import NOT_FOUND, Ended, run

WITHIN_S = 30.0
PREFIX = "quantum_ops_"
HOOKS = ("input", "output")
#: Before every ordinary filter, so that no rule of the host lets a packet pass by.
PRIORITY = -200
_KEYS = {"hook", "from", "to", "sport", "dport", "act", "percent"}
_FAMILIES = {4: "ip", 6: "ip6"}
_ACTS = {"drop": "drop", "reset": "reject with tcp reset", "lose": "drop"}


def refuse(machine: Machine, step: Mapping[str, Any]) -> None:
    """Raise AgentError for rules that are none, and where nft or the kernel cannot have them."""
    del machine
    ended = _nft("-c", _text(f"{PREFIX}check", step["rules"]))
    if ended.code == NOT_FOUND:
        raise AgentError("refused", "this host has no nft", action="apt-get install nftables")
    if ended.code != 0:
        raise AgentError("refused", f"nft refuses it: {_why(ended)}")


def records(machine: Machine, step: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield the table's name and its text."""
    del machine
    table = PREFIX + re.sub(r"\W", "_", name)
    yield {"table": table, "text": _text(table, step["rules"]), "rules": len(step["rules"])}


def do(machine: Machine, record: Mapping[str, Any]) -> None:
    """Make the table, all of it or nothing."""
    del machine
    cross()
    ended = _nft(record["text"])
    if ended.code != 0:
        raise AgentError("failed", f"nft: {_why(ended)}")
    cross()


def observe(machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
    """Tell whether it is there, and how many packets its rules have met."""
    del machine
    ended = _nft("-j", f"list table inet {record['table']}")
    if ended.code != 0:
        return {"on": False, "gone": "No such file" in ended.error, "packets": 0}
    said = json.loads(ended.output)["nftables"]
    rules = [each["rule"] for each in said if "rule" in each]
    counters = [word["counter"] for rule in rules for word in rule["expr"] if "counter" in word]
    return {
        "on": len(rules) == record["rules"], "gone": False,
        "packets": sum(each["packets"] for each in counters),
    }  # fmt: skip


def undo(machine: Machine, record: Mapping[str, Any]) -> None:
    """Delete the table if it is there."""
    if observe(machine, record)["gone"]:
        return
    cross()
    ended = _nft(f"delete table inet {record['table']}")
    if ended.code != 0 and "No such file" not in ended.error:
        raise AgentError("failed", f"nft: {_why(ended)}")


def _text(table: str, rules: list[Mapping[str, Any]]) -> str:
    """Return nft's words for a table; nothing in them is taken as it came."""
    words = [f"create table inet {table}"]
    for hook in HOOKS:
        about = f"type filter hook {hook} priority {PRIORITY}; policy accept;"
        words.append(f"add chain inet {table} {hook} {{ {about} }}")
    words += [f"add rule inet {table} {_rule(each)}" for each in rules]
    return "; ".join(words)


def _rule(rule: Mapping[str, Any]) -> str:
    act, hook, ports = rule.get("act"), rule.get("hook"), []
    if set(rule) - _KEYS or act not in _ACTS or hook not in HOOKS:
        raise AgentError("request", f"{dict(rule)} is no rule: {', '.join(sorted(_KEYS))}")
    words = [str(hook)]
    try:
        for key, name in (("from", "saddr"), ("to", "daddr")):
            if rule.get(key):
                address = ipaddress.ip_network(rule[key])
                words.append(f"{_FAMILIES[address.version]} {name} {address}")
        asked = [key for key in ("sport", "dport") if rule.get(key)]
        ports += [f"tcp {key} {_number(rule[key], 65535)}" for key in asked]
        if act == "lose":
            ports.append(f"numgen random mod 100 < {_number(rule['percent'], 99)}")
    except (KeyError, TypeError, ValueError) as error:
        raise AgentError("request", f"{dict(rule)} is no rule: {error}") from None
    if not ports or not ports[0].startswith("tcp"):
        raise AgentError("request", "a rule names a port: one without would cut off the host")
    return " ".join([*words, *ports, "counter", _ACTS[str(act)]])


def _number(given: object, most: int) -> int:
    if not isinstance(given, int) or not 1 <= given <= most:
        raise ValueError(f"{given!r} is not between 1 and {most}")
    return given


def _nft(*words: str) -> Ended:
    return run(("nft", *words), WITHIN_S)


def _why(ended: Ended) -> str:
    """Return nft's own first line: what follows it only points at a place in the text."""
    lines = [line.strip() for line in ended.error.splitlines() if "rror" in line]
    return lines[0] if lines else ended.last_line or "it did not answer"
