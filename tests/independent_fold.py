"""A second reading of what events mean, written apart from streams/, to hold it against.

Slow and plain on purpose: regular expressions, Decimal, one branch per sentence of the contract.
"""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

MEANING = {
    **dict.fromkeys(["EXECUTE", "EXECUTED", "EXEC"], "EXECUTE"),
    **dict.fromkeys(["SKIP", "SKIPPED"], "SKIP"),
    **dict.fromkeys(["BLOCKED", "BLOCK", "DENIED"], "BLOCKED"),
    **dict.fromkeys(["ERROR", "FAILED", "FAIL"], "ERROR"),
}


def details_of(fields):
    try:
        found = json.loads(fields.get("details", ""))
    except (ValueError, RecursionError):
        return {}
    return found if type(found) is dict else {}


def spelled(value):
    text = "" if value is None else value if type(value) is str else json.dumps(value)
    text = text.strip().upper()
    return text if text not in ("", "NONE", "NULL") else None


def reason_of(fields, details):
    for value in (
        fields.get("error"),
        details.get("error"),
        fields.get("reason"),
        details.get("reason"),
    ):
        if type(value) is not str:
            continue
        text = re.sub(r"_[0-9]+/[0-9]+$", "", value.strip().split(":")[0].strip().lower())
        text = "".join(each if re.match(r"[a-z0-9_.\-]", each) else "_" for each in text)[:64]
        if text not in ("", "none", "null"):
            return text
    return "none"


def executed_of(fields, details):
    for value in (fields.get("executed"), details.get("executed")):
        text = spelled(value)
        if text in ("TRUE", "1", "YES"):
            return True
        if text in ("FALSE", "0", "NO"):
            return False
    return None


def decision_of(fields, details):
    word = spelled(fields.get("decision")) or spelled(details.get("decision"))
    if word in MEANING:
        return MEANING[word], None
    raw = word[:64] if word else None
    done = executed_of(fields, details)
    if done is None:
        return "UNKNOWN", raw
    if done:
        return "EXECUTE", raw
    return ("SKIP" if reason_of(fields, details) == "none" else "BLOCKED"), raw


def moment_of(entry_id, fields):
    own = Decimal(entry_id.split("-")[0])
    text = fields.get("timestamp", "").strip()
    said = None
    if re.fullmatch(r"[0-9]+-[0-9]+", text):
        said = Decimal(text.split("-")[0])
    else:
        try:
            number = Decimal("NaN" if "_" in text else text)
            if number.is_finite():
                steps = (
                    1000
                    if abs(number) < 10**11
                    else 1
                    if abs(number) < 10**14
                    else Decimal("0.001")
                )
                said = number * steps
        except InvalidOperation:
            try:
                moment = datetime.fromisoformat(text)
                if moment.tzinfo is None:
                    moment = moment.replace(tzinfo=UTC)
                said = Decimal(moment.timestamp()) * 1000
            except ValueError:
                said = None
    if said is None or said > own + 300_000 or said < own - 48 * 3_600_000:
        return own
    return said


def minute_of(moment_ms):
    return datetime.fromtimestamp(float(moment_ms // 60_000 * 60), UTC).strftime("%Y%m%d%H%M")


def buckets_of(entries, symbols=True):
    """Return minute -> field -> count of (id, fields) pairs."""
    buckets = {}
    for entry_id, fields in entries:
        details = details_of(fields)
        bucket = buckets.setdefault(minute_of(moment_of(entry_id, fields)), Counter())
        reason = reason_of(fields, details)
        bucket[f"decision:{decision_of(fields, details)[0]}"] += 1
        bucket[f"reason:{reason}"] += 1
        symbol = fields.get("symbol", "").upper()
        if symbols and re.fullmatch(r"[A-Z0-9_.\-]{1,32}", symbol):
            bucket[f"symbol_reason:{symbol}:{reason}"] += 1
    return {minute: dict(fields) for minute, fields in buckets.items()}


def buckets_in(client):
    """Return minute -> field -> count as they stand in Redis."""
    found = {}
    for key in client.scan_iter("quantum:p35:bucket:*"):
        found[key.rpartition(":")[2]] = {name: int(n) for name, n in client.hgetall(key).items()}
    return found


def differences(client, entries):
    """Return what tells the buckets in Redis from the fold of `entries`: [] for nothing."""
    wanted, found = buckets_of(entries), buckets_in(client)
    return [
        (minute, name, wanted.get(minute, {}).get(name, 0), found.get(minute, {}).get(name, 0))
        for minute in sorted({*wanted, *found})
        for name in sorted({*wanted.get(minute, {}), *found.get(minute, {})})
        if wanted.get(minute, {}).get(name, 0) != found.get(minute, {}).get(name, 0)
    ]
