"""Every claim that was checked in the end held: each a proof of its own, with its own evidence."""

from __future__ import annotations

from fault_injection.history.happenings import Proof
from fault_injection.history.reading import History
from proofs.finding import Finding, Verdict, worst

NEEDS_END = True
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Take the worst of what was said last of each claim."""
    last = {each.claim: each for each in history.of(Proof)}
    if not last:
        return None
    verdicts = {claim: _verdict(each.verdict) for claim, each in last.items()}
    found = worst(verdicts.values())
    if found is Verdict.proved:
        return Finding.proved(f"{len(last)} claims held: {', '.join(last)}")
    bad = [each for claim, each in last.items() if verdicts[claim] is found]
    return Finding(found, tuple(f"{each.claim}: {'; '.join(each.reasons)}" for each in bad))


def _verdict(word: str) -> Verdict:
    return Verdict[word] if word in Verdict.__members__ else Verdict.unknown
