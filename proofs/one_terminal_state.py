"""Claim: every intent ends in one state, told once, and everyone who tells of it says the same.

Looks at all records of intents, not at a stream's entries. Each terminal record has exactly one
execution.result and the same state in it; a result has a record. On the paper exchange an order
that was filled belongs to a FILLED record, and the other way round: an order that nobody tells of,
or a fill that never was, refutes. Other exchanges are not asked from here. A record that is
SUBMITTING is under way; UNKNOWN is named and never a pass.

The results are read up to one moment first, then the records, so what ends in between is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proofs.accounts import fates
from proofs.accounts.ended import MARGIN_MS, results_by_identity
from proofs.accounts.judging import judged
from proofs.finding import Finding
from proofs.reading import gone_up_to_ms, plain, position, together
from proofs.scene import Scene
from streams import intents
from streams.ids import id_key

PAPER_ORDER = "quantum:paper:order:"
#: How the paper exchange's own numbers of orders begin.
OF_PAPER = "paper-"
READ = ("state", "result_id", "updated_ms", "exchange_order_id")
SCAN = 1_000


def gather(scene: Scene) -> dict[str, Any]:
    """Return the fates of all records, and the results that have none."""
    results = scene.host.text("stream_execution_result", intents.STREAM_EXECUTION_RESULT)
    now, info = together(scene.redis, ("time",), ("xinfo_stream", results))
    stream = position([now, info, None, None, None], "")
    oldest_ms = stream["at_ms"] - intents.RECORD_TTL_S * 1000 + MARGIN_MS
    told = results_by_identity(scene, results, oldest_ms)
    gone_ms = max(gone_up_to_ms(stream), oldest_ms)
    found, later, seen = fates.Fates(), 0, set[str]()
    for names in fates.chunks(sorted(_identities(scene))):
        for name, record, order in _records(scene, names):
            seen.add(name)
            if not told.get(name) and int(record["updated_ms"] or 0) >= stream["at_ms"]:
                later += 1
                continue
            result_id = record["result_id"]
            found.add(name, {
                "state": record["state"],
                "results": sorted(told.get(name, [])),
                "trimmed": bool(result_id) and id_key(result_id)[0] <= gone_ms,
                "order": order,
                "on_paper": record["exchange_order_id"].startswith(OF_PAPER)
                and int(record["updated_ms"] or 0) > oldest_ms,
            })  # fmt: skip
    return {
        "results": results,
        "exchange": scene.host.text("exchange", "paper"),
        "identities": found.told(),
        "later": later,
        "unrecorded": sorted(set(told) - seen)[: fates.NAMED],
    }


def _identities(scene: Scene) -> set[str]:
    found = scene.redis.scan_iter(match=f"{intents.RECORD_PREFIX}*", count=SCAN)
    return {plain(key).removeprefix(intents.RECORD_PREFIX) for key in found}


def _records(scene: Scene, names: list[str]) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield each record and the status of its entry order on the paper exchange."""
    pipeline = scene.redis.pipeline(transaction=False)
    for name in names:
        pipeline.hmget(intents.record(name), READ)
        pipeline.hget(f"{PAPER_ORDER}{intents.client_order_id(name)}", "status")
    answers = iter(plain(pipeline.execute(raise_on_error=False)))
    for name, values, order in zip(names, answers, answers, strict=True):
        held = values if isinstance(values, list) else ["spoiled"] + [None] * (len(READ) - 1)
        record = {field: value or "" for field, value in zip(READ, held, strict=True)}
        if record["state"]:  # else it ended its life while we looked
            yield name, record, order if isinstance(order, str) else ""


def check(evidence: Mapping[str, Any]) -> Finding:
    """Judge each record's one ending and what the others say of it."""
    identities = evidence["identities"]
    states: dict[str, int] = {}
    for each in identities:
        state = each["fate"]["state"]
        states[state] = states.get(state, 0) + each["count"]
    ended = sum(count for state, count in states.items() if state in intents.TERMINAL)
    numbers: dict[str, object] = {"settled": ended, "states": states, "later": evidence["later"]}
    wrong = [text for each in identities for text in _wrong(each)]
    if evidence["unrecorded"]:
        wrong.append(f"results of intents without a record: {', '.join(evidence['unrecorded'])}")
    doubts = [
        f"UNKNOWN: {each['count']} intents (invoke intents.resolve): "
        + fates.named(each, fates.NAMED)
        for each in identities
        if each["fate"]["state"] == intents.UNKNOWN
    ]
    under_way = sum(states.get(each, 0) for each in (intents.CLAIMED, intents.SUBMITTING))
    notes = [f"{under_way} are under way"] if under_way else []
    if evidence["exchange"] != "paper":
        notes.append(f"{evidence['exchange']} itself was not asked")
    proved = f"{ended} intents ended, each in one state, told once"
    return judged(proved, wrong, doubts, notes, numbers)


def _wrong(each: Mapping[str, Any]) -> Iterator[str]:
    fate, count, who = each["fate"], each["count"], fates.named(each)
    state, results, order = fate["state"], fate["results"], fate["order"]
    if state not in intents.STATES:
        yield f"{count} records have no state there is ({state}): {who}"
        return
    if len(results) > 1:
        yield f"{count} intents ended {len(results)} times ({', '.join(results)}): {who}"
    elif state in intents.TERMINAL and not results and not fate["trimmed"]:
        yield f"{count} records are {state}, but no execution.result says so: {who}"
    elif results and results != [state]:
        yield f"{count} records are {state}, but their result says {results[0]}: {who}"
    if order == "FILLED" and state != intents.FILLED:
        yield f"{count} orders were filled, but their intents are {state}: {who}"
    elif fate["on_paper"] and order != "FILLED" and state == intents.FILLED:
        yield f"{count} intents are FILLED, but their orders are not: {who}"
