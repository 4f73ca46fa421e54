"""Broken consumers: each is refuted by the checker that is meant for it."""

import pytest

from fault_injection.checkers import REGISTRY, judge
from fault_injection.history.reading import history_of
from proofs.finding import Verdict
from tests.checkers.mutants import MUTANTS
from tests.checkers.running import SHORTER, Run
from tests.oracles.scale import SOAK, sized

#: A bug shows where a fault meets it; it has so many runs for that.
SEEDS = sized(6, 25)


def runs(mutant):
    for seed in range(SEEDS):
        how = {"peers": mutant.peers, "faults": mutant.faults, "steps": SHORTER}
        yield judge(history_of(Run(seed, **how, **mutant.changes).history()))


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_planted_bug_is_refuted(mutant):
    refuted = 0
    for judgement in runs(mutant):
        finding = judgement.findings[mutant.meant_for]
        if finding.verdict is Verdict.refuted:
            assert judgement.verdict is Verdict.refuted
            assert finding.reasons
            refuted += 1
            if not SOAK:
                break
    assert refuted, f"{mutant.name}: {mutant.meant_for} saw nothing in {SEEDS} runs"


def test_there_are_as_many_as_were_promised():
    assert len(MUTANTS) >= 25
    assert {each.meant_for for each in MUTANTS.values()} <= set(REGISTRY)
