"""Judge a run by what it left: in Redis, and at the exchange. Every finding is a sentence."""

from decimal import Decimal

from streams import intents
from tests.execution.desk import STREAM, inflight, pending, position, record, results


def findings(client, simulator, fed, symbols=("BTCUSDT", "ETHUSDT")):
    """Return what is wrong after all is settled; `fed`: entry id -> identity ("" for malformed)."""
    identities = {each for each in fed.values() if each}
    found = []
    for identity in identities:
        found += of_an_identity(client, simulator.fills(), identity)
    if pending(client):
        found.append(f"{pending(client)} are pending")
    dead = client.xlen(f"{STREAM}:dlq")
    if dead != sum(not each for each in fed.values()):
        found.append(f"{dead} dead letters")
    if all(record(client, each).get("state") != intents.UNKNOWN for each in identities):
        found += of_the_guard(client, simulator, symbols)
    return found


def of_an_identity(client, fills, identity):
    """Return what is wrong with one intent's end."""
    found = []
    kept = record(client, identity)
    state = kept.get("state", "no record")
    told = sum(each["identity"] == identity for each in results(client))
    if state not in intents.TERMINAL | {intents.UNKNOWN}:
        found.append(f"{identity} ended as {state}")
    if told != (state in intents.TERMINAL):
        found.append(f"{identity} is {state} and was told {told} times")
    for leg in intents.LEGS:
        done = fills.get(intents.client_order_id(identity, leg), [])
        if len(done) > 1:
            found.append(f"{identity}: {leg} was filled {len(done)} times")
    entry = fills.get(intents.client_order_id(identity), [])
    filled = sum((each.quantity for each in entry), Decimal(0))
    if state in intents.TERMINAL and Decimal(kept.get("filled_qty") or 0) != filled:
        found.append(f"{identity} is {state} with {kept.get('filled_qty')}, and has {filled}")
    return found


def of_the_guard(client, simulator, symbols):
    """Return where the guard reckons with something else than what is."""
    found = []
    for symbol in symbols:
        ours, theirs = position(client, symbol), simulator.position(symbol)
        if ours != theirs:
            found.append(f"{symbol}: the guard has {ours}, the exchange {theirs}")
        if inflight(client, symbol):
            found.append(f"{symbol}: {inflight(client, symbol)} are still held in reserve")
    return found


def unprotected(client, simulator, identity):
    """Return which legs of a filled, open position have no order at the exchange."""
    open_ids = {each.client_order_id for each in simulator.orders() if each.status == "NEW"}
    kept = record(client, identity)
    if kept.get("state") != intents.FILLED:
        return []
    return [
        leg for leg in (intents.STOP_LOSS, intents.TAKE_PROFIT)
        if kept.get(leg) and intents.client_order_id(identity, leg) not in open_ids
    ]  # fmt: skip
