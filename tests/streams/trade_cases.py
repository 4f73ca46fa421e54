"""Read the tables of cases of decisions and intents, and compare a normaliser with them."""

import json
from decimal import Decimal
from pathlib import Path

from streams.trade_intent import Malformed


def table(name):
    lines = Path(__file__).with_name(f"{name}_cases.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def differences(read, expect):
    """Return name -> (what was read, what the case expects) where the two differ."""
    found = read._asdict()
    if isinstance(read, Malformed):
        found["malformed"] = found.pop("reason")
    found["digest"] = read.identity.startswith("sha256:")
    return {
        name: (found.get(name, "not there"), wanted)
        for name, wanted in expect.items()
        if name not in found or not same(found[name], wanted)
    }


def same(value, wanted):
    """Tell whether a value is the expected one; of an amount no digit may be lost."""
    if isinstance(value, Decimal):
        return wanted is not None and value == Decimal(wanted)
    return type(value) is type(wanted) and value == wanted
