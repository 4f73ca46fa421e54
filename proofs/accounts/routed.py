"""The router: each settled decision has one intent, a record of its refusal, or a dead letter.

One MULTI reads the group's place, its pending ids and how far the intents' stream goes; intents
that come later are left out. Only a deduplication key's life is looked back upon: after it, the
same identity is a new trade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from proofs.accounts import fates
from proofs.accounts.judging import judged, unreadable
from proofs.accounts.settled import dead_letters, frame, moment, read_back, totals
from proofs.finding import Finding
from proofs.reading import gone_up_to_ms, newest_first, plain, position
from proofs.scene import Scene
from streams import intents, routing
from streams.decision_made import SOURCE, normalise
from streams.ids import id_key
from streams.trade_intent import Malformed

#: What clocks and a slow proof may take of a key's life.
MARGIN_MS = 600_000


class Sight(NamedTuple):
    """Between these times an intent may have been that is not seen any more."""

    oldest_ms: int  #: no living key is older
    gone_ms: int


def gather(scene: Scene) -> dict[str, Any]:
    """Return the fates of all identities that were settled while their keys live."""
    out = scene.host.text("stream_trade_intent", intents.STREAM_TRADE_INTENT)
    at = moment(scene, routing.STATUS, ("xinfo_stream", out))
    if at.place["group"] is None:
        return frame(scene, at)
    life_ms = scene.host.number("dedup_ttl_s", routing.DEDUP_TTL_S) * 1000
    oldest_ms = at.at_ms - max(life_ms - MARGIN_MS, life_ms // 2)
    dead = dead_letters(scene, oldest_ms)
    settled: set[str] = set()
    under_way: set[str] = set()
    letters, counted = fates.Fates(), [0]

    def take(entry: str, fields: Mapping[str, str], pending: bool) -> None:  # noqa: FBT001
        read = normalise(entry, fields)
        if pending:
            under_way.add(read.identity)
            return
        counted[0] += 1
        if entry in dead or isinstance(read, Malformed):
            reason = read.reason.partition(":")[0] if isinstance(read, Malformed) else ""
            letters.add(entry, {"dead_letters": dead.get(entry, 0), "malformed": reason})
        else:
            settled.add(read.identity)

    back = read_back(scene, at, oldest_ms, take)
    stream = position([(at.at_ms // 1000, 0), at.others[0], None, None, None], "")
    published = _published(scene, out, stream["last_id"], oldest_ms)
    gone_ms = max(gone_up_to_ms(stream), oldest_ms)
    sight = Sight(at.at_ms - life_ms - MARGIN_MS, gone_ms)
    found = _fates(scene, settled, published, sight)
    return {
        **frame(scene, at),
        **back,
        "settled": counted[0],
        "oldest_ms": oldest_ms,
        "identities": found.told(),
        "letters": letters.told(),
        "unasked": sorted(set(published) - settled - under_way)[: fates.NAMED],
        "total": totals(at.status, "processed_total", "dead_lettered_total", "lost_total"),
    }


def _published(scene: Scene, stream: str, last: str, oldest_ms: int) -> dict[str, list[str]]:
    """Return the router's own intents by identity, up to the id `last`."""
    found: dict[str, list[str]] = {}
    for page in newest_first(scene.redis, stream, last):
        for entry, fields in plain(page):
            if id_key(entry)[0] < oldest_ms:
                return found
            if fields.get("source") == SOURCE:
                found.setdefault(fields.get("trace_id", ""), []).append(entry)
    return found


def _fates(
    scene: Scene, settled: set[str], published: Mapping[str, list[str]], sight: Sight
) -> fates.Fates:
    made = fates.Fates()
    for names in fates.chunks(sorted(settled)):
        pipeline = scene.redis.pipeline(transaction=False)
        for name in names:
            pipeline.get(routing.dedup(name))
            pipeline.hget(intents.record(name), "state")
        answers = iter(plain(pipeline.execute(raise_on_error=False)))
        for name, kept, state in zip(names, answers, answers, strict=True):
            ids = published.get(name, [])
            made.add(name, {"key": _key(kept, ids, sight), "intents": len(ids),
                            "refused": not ids and not kept and state == "REJECTED"})  # fmt: skip
    return made


def _key(kept: Any, ids: list[str], sight: Sight) -> str:
    """Return what the deduplication key says of the intents that are there."""
    if not isinstance(kept, str):
        return "gone" if kept is None else "spoiled"
    if kept in ids:
        return "names it"
    hidden = sight.oldest_ms <= id_key(kept)[0] <= sight.gone_ms
    return "names one out of sight" if hidden else "names another"


def check(evidence: Mapping[str, Any]) -> Finding:
    """Find each identity's one effect; then hear the second witness."""
    if cannot := unreadable(evidence):
        return cannot
    identities, letters = evidence["identities"], evidence["letters"]
    numbers: dict[str, object] = {
        "settled": evidence["settled"],
        "identities": fates.total(identities),
        "pending": evidence["pending"],
        "dead_letters": fates.total(letters),
        "refused": fates.total(each for each in identities if each["fate"]["refused"]),
    }
    wrong = [text for each in identities for text in _wrong(each)]
    wrong += [text for each in letters for text in _lost_letters(each)]
    if evidence["whole"] and evidence["unasked"]:
        wrong.append(f"intents that no decision asked for: {', '.join(evidence['unasked'])}")
    notes = [] if evidence["whole"] else ["older decisions left out: trimmed, or past a key's life"]
    proved = (
        f"{evidence['settled']} decisions settled, {numbers['identities']} identities,"
        f" each with one intent{_also(numbers)}"
    )
    return judged(proved, wrong, _doubts(evidence), notes, numbers)


def _also(numbers: Mapping[str, object]) -> str:
    refused, dead = numbers["refused"], numbers["dead_letters"]
    return (f", but {refused} refused by a limit" if refused else "") + (
        f"; {dead} dead letters" if dead else ""
    )


def _wrong(each: Mapping[str, Any]) -> Iterator[str]:
    fate, who = each["fate"], fates.named(each)
    if fate["intents"] > 1:
        yield f"doubled: {each['count']} identities with {fate['intents']} intents: {who}"
    elif fate["key"] == "names another":
        yield f"lost: {each['count']} identities whose key names no intent there is: {who}"
    elif not fate["intents"] and fate["key"] == "gone" and not fate["refused"]:
        yield f"lost: {each['count']} identities without intent, refusal or dead letter: {who}"


def _lost_letters(each: Mapping[str, Any]) -> Iterator[str]:
    fate, who = each["fate"], fates.named(each)
    if not fate["dead_letters"]:
        why = fate["malformed"]
        yield f"lost: {each['count']} unreadable decisions ({why}) without dead letter: {who}"
    elif fate["dead_letters"] > 1:
        yield f"doubled: {each['count']} decisions with several dead letters: {who}"


def _doubts(evidence: Mapping[str, Any]) -> Iterator[str]:
    for each in evidence["identities"]:
        fate, who = each["fate"], fates.named(each)
        if fate["key"] == "spoiled":
            yield f"{each['count']} deduplication keys are no text: {who}"
        elif fate["intents"] == 1 and fate["key"] == "gone":
            yield f"{each['count']} intents whose deduplication key is gone too early: {who}"
    total = evidence["total"]
    if evidence["whole"] and total is not None and total != evidence["settled"]:
        yield (
            f"every decision is accounted for, but the router's totals say {total}"
            f" where {evidence['settled']} entries are settled"
        )
