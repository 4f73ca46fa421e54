"""Correct consumers, whatever dies on the way, are proved right: no checker cries wolf."""

import time

import pytest

from fault_injection.checkers import REGISTRY, judge
from fault_injection.history.happenings import Fault, Invoked
from fault_injection.history.reading import history_of
from proofs.finding import Verdict
from tests.checkers.faults import KINDS
from tests.checkers.large import large
from tests.checkers.running import BRIEF, SHORTER, Run
from tests.oracles.scale import sized

SEEDS = sized(10, 100)


def judged(data):
    return judge(history_of(data))


def test_clean_runs_give_no_false_alarm(note):
    seen, operations, not_proved = set(), 0, {}
    for seed in range(SEEDS):
        history = history_of(Run(seed, peers=1 if seed % 3 == 0 else 2).history())
        judgement = judge(history)
        operations += len(history.of(Invoked))
        seen |= {each.name for each in history.of(Fault)}
        if judgement.verdict is not Verdict.proved:
            not_proved[seed] = judgement.told()
    note(
        seeds=SEEDS, operations=operations, kinds_of_faults=len(seen), false_alarms=len(not_proved)
    )
    assert not_proved == {}
    assert seen == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_alone_is_got_over(kind):
    judgement = judged(Run(1, faults=(kind,), steps=SHORTER).history())
    assert judgement.verdict is Verdict.proved, judgement.told()


@pytest.mark.parametrize("kind", KINDS)
def test_an_injector_that_does_nothing_ends_in_unknown(kind):
    run = Run(1, faults=(kind,), steps=BRIEF)
    (fault,) = run.faults
    fault.inject, fault.undo, fault.visible = (lambda: None), (lambda: None), (lambda: False)
    judgement = judged(run.history())
    assert judgement.verdict is Verdict.unknown
    assert f"{kind} (f0) was never observed" in judgement.findings["not_vacuous"].reasons


def test_the_same_seed_gives_the_same_history(clean):
    again = Run(7, peers=1, faults=("KillOfMany", "LostReplies", "Duplicates")).history()
    assert again == clean


def test_a_large_history_is_judged_at_once(note):
    """Nothing in it grows faster than the history does; how long it took is noted, not judged."""
    operations = sized(1_000, 100_000)
    data = large(operations)
    begun = time.process_time()
    history = history_of(data)
    read = time.process_time()
    judgement = judge(history)
    judged = time.process_time()
    took_ms = {"read_ms": 1_000 * (read - begun), "judged_ms": 1_000 * (judged - read)}
    note(operations=operations, lines=len(history.happenings))
    note(**{name: round(took) for name, took in took_ms.items()})
    assert judgement.verdict is Verdict.proved, judgement.told()


def test_a_clean_run_is_asked_by_every_checker(clean):
    judgement = judged(clean)
    assert judgement.not_asked == ("all_old_or_all_new", "proofs_held")
    assert set(judgement.findings) | set(judgement.not_asked) == set(REGISTRY)
    assert all(each.reasons for each in judgement.findings.values())
