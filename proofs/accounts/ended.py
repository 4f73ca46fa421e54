"""Execution: each settled intent has a record in a terminal state, and one result that says so.

One MULTI reads the group's place and its pending ids. An identity with an entry still pending is
under way and left out; UNKNOWN is an ending that nobody knows, so it is named and proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proofs.accounts import fates
from proofs.accounts.judging import judged, unreadable
from proofs.accounts.settled import dead_letters, frame, moment, read_back
from proofs.finding import Finding
from proofs.reading import gone_up_to_ms, newest_first, plain, position
from proofs.scene import Scene
from streams import intents
from streams.ids import id_key
from streams.trade_intent import Malformed, normalise

#: What clocks and a slow proof may take of a record's life.
MARGIN_MS = 600_000


def gather(scene: Scene) -> dict[str, Any]:
    """Return the fates of all identities that were settled while their records live."""
    results = scene.host.text("stream_execution_result", intents.STREAM_EXECUTION_RESULT)
    skipped = ("xrevrange", intents.SKIPPED, "+", "-")
    at = moment(scene, intents.STATUS, ("xinfo_stream", results), skipped)
    if at.place["group"] is None:
        return frame(scene, at)
    oldest_ms = at.at_ms - intents.RECORD_TTL_S * 1000 + MARGIN_MS
    dead = dead_letters(scene, oldest_ms)
    passed = [
        (each["old_id"], each["new_id"])
        for _, each in at.others[1] or ()
        if (each.get("stream"), each.get("group")) == (scene.stream, scene.group)
    ]
    settled: set[str] = set()
    under_way: set[str] = set()
    letters, counted = fates.Fates(), {"settled": 0, "skipped": 0}

    def take(entry: str, fields: Mapping[str, str], pending: bool) -> None:  # noqa: FBT001
        if not pending and _within(entry, passed):
            counted["skipped"] += 1
            return
        read = normalise(entry, fields)
        if pending:
            under_way.add(read.identity)
            return
        counted["settled"] += 1
        if entry in dead or isinstance(read, Malformed):
            reason = read.reason.partition(":")[0] if isinstance(read, Malformed) else ""
            letters.add(entry, {"dead_letters": dead.get(entry, 0), "malformed": reason})
        else:
            settled.add(read.identity)

    back = read_back(scene, at, oldest_ms, take)
    stream = position([(at.at_ms // 1000, 0), at.others[0], None, None, None], "")
    told = results_by_identity(scene, results, oldest_ms)
    gone_ms = max(gone_up_to_ms(stream), oldest_ms)
    found = _fates(scene, sorted(settled - under_way), told, gone_ms)
    return {
        **frame(scene, at),
        **back,
        **counted,
        "under_way": len(under_way),
        "oldest_ms": oldest_ms,
        "identities": found.told(),
        "letters": letters.told(),
    }


def _within(entry: str, passed: list[tuple[str, str]]) -> bool:
    """Tell whether START_AT=new passed over an entry."""
    return any(id_key(first) < id_key(entry) <= id_key(last) for first, last in passed)


def results_by_identity(scene: Scene, stream: str, oldest_ms: int) -> dict[str, list[str]]:
    """Return the states that execution.result tells of each identity."""
    found: dict[str, list[str]] = {}
    for page in newest_first(scene.redis, stream, "+"):
        for entry, fields in plain(page):
            if id_key(entry)[0] < oldest_ms:
                return found
            identity = fields.get("identity") or fields.get("trace_id", "")
            found.setdefault(identity, []).append(fields.get("state", ""))
    return found


def _fates(
    scene: Scene, settled: list[str], told: Mapping[str, list[str]], gone_ms: int
) -> fates.Fates:
    made = fates.Fates()
    for names in fates.chunks(settled):
        pipeline = scene.redis.pipeline(transaction=False)
        for name in names:
            pipeline.hmget(intents.record(name), "state", "result_id")
        answers = plain(pipeline.execute(raise_on_error=False))
        for name, answer in zip(names, answers, strict=True):
            state, result_id = answer if isinstance(answer, list) else ("spoiled", "")
            out_of_sight = bool(result_id) and id_key(str(result_id))[0] <= gone_ms
            made.add(name, {"state": state or "", "results": sorted(told.get(name, [])),
                            "trimmed": out_of_sight})  # fmt: skip
    return made


def check(evidence: Mapping[str, Any]) -> Finding:
    """Find each identity's one ending."""
    if cannot := unreadable(evidence):
        return cannot
    identities, letters = evidence["identities"], evidence["letters"]
    states: dict[str, int] = {}
    for each in identities:
        state = each["fate"]["state"]
        states[state] = states.get(state, 0) + each["count"]
    numbers: dict[str, object] = {
        "settled": evidence["settled"],
        "identities": fates.total(identities),
        "pending": evidence["pending"],
        "dead_letters": fates.total(letters),
        "states": states,
    }
    wrong = [text for each in identities for text in _wrong(each)]
    wrong += [text for each in letters for text in _lost_letters(each)]
    doubts = [
        f"UNKNOWN: {each['count']} intents, which nobody but a person can settle"
        f" (invoke intents.resolve): {fates.named(each, fates.NAMED)}"
        for each in identities
        if each["fate"]["state"] == intents.UNKNOWN
    ]
    ended = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    dead = f"; {numbers['dead_letters']} dead letters" if letters else ""
    proved = (
        f"{evidence['settled']} intents settled, {numbers['identities']} identities ended once:"
        f" {ended or 'none'}{dead}"
    )
    return judged(proved, wrong, doubts, _notes(evidence), numbers)


def _notes(evidence: Mapping[str, Any]) -> Iterator[str]:
    if not evidence["whole"]:
        yield "older intents left out: trimmed, or past a record's life"
    if evidence["skipped"]:
        yield f"{evidence['skipped']} intents were passed over by START_AT=new, as written down"


def _wrong(each: Mapping[str, Any]) -> Iterator[str]:
    fate, count, who = each["fate"], each["count"], fates.named(each)
    state, results = fate["state"], fate["results"]
    if len(results) > 1:
        yield f"doubled: {count} identities with {len(results)} results ({_said(results)}): {who}"
    elif state == intents.UNKNOWN:
        if results:
            yield f"{count} UNKNOWN intents have a result that says {results[0]}: {who}"
    elif not state:
        yield f"lost: {count} identities without record or dead letter: {who}"
    elif state not in intents.TERMINAL:
        yield f"lost: {count} intents are acknowledged, but their record is {state}: {who}"
    elif not results and not fate["trimmed"]:
        yield f"lost: {count} intents ended {state} without execution.result: {who}"
    elif results and results != [state]:
        yield f"{count} intents ended {state}, but their result says {results[0]}: {who}"


def _said(results: list[str]) -> str:
    return ", ".join(results)


def _lost_letters(each: Mapping[str, Any]) -> Iterator[str]:
    fate, who = each["fate"], fates.named(each)
    if not fate["dead_letters"]:
        why = fate["malformed"]
        yield f"lost: {each['count']} unreadable intents ({why}) without dead letter: {who}"
    elif fate["dead_letters"] > 1:
        yield f"doubled: {each['count']} intents with several dead letters: {who}"
