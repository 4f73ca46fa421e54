"""Histories made by hand: for each checker one that it refutes or leaves unknown, by name."""

from dataclasses import replace

import pytest

from fault_injection.checkers import REGISTRY, judge, judge_one
from fault_injection.history import happenings as h
from tests.checkers.editing import First, after, at, before, changed, edited, is_one, without
from tests.checkers.world import COUNTING, EXECUTION, ROUTING

REFUTED, UNKNOWN = "refuted", "unknown"
LATE_NS = 10**18


def filled(**more):
    return {"flow": EXECUTION, "after": "FILLED", **more}


def again(each):
    return replace(each, ref=f"{each.ref}-again")


#: What was planted -> the checker that must see it, what it must say, and the edit.
PLANTED = {
    "a fault that was never observed": (
        "not_vacuous", UNKNOWN, without(h.Fault, fault="f1", stage=h.OBSERVED)),
    "an undo that was never observed": (
        "not_vacuous", UNKNOWN, without(h.Fault, fault="f1", stage=h.GONE)),
    "no fault at all": ("not_vacuous", UNKNOWN, without(h.Fault)),
    "a fault that nobody planned": (
        "not_vacuous", UNKNOWN, without(h.Fault, fault="f1", stage=h.PLANNED)),
    "too few operations": ("not_vacuous", UNKNOWN, changed(h.Opening, {}, at_least=10**6)),
    "a target that was not reached": (
        "not_vacuous", UNKNOWN, changed(h.Opening, {}, targets=("killed amid its work",))),
    "acknowledgements that nobody gathered": ("not_vacuous", UNKNOWN, without(h.Ack)),
    "a flow that nobody looked at in the end": (
        "not_vacuous", UNKNOWN, without(h.Snapshot, flow=ROUTING)),
    "nothing was watched": ("not_vacuous", UNKNOWN, without(h.Flow)),
    "no last line": ("whole", UNKNOWN, without(h.Closing)),
    "an operation that ends twice": (
        "whole", UNKNOWN, after(h.Ended, {"how": h.OK}, lambda each: each)),
    "an operation that never began": ("whole", UNKNOWN, First(without(h.Invoked))),
    "one that was resumed": ("whole", UNKNOWN, before(h.Steady, h.Resumed(torn=0))),
    "ill before": ("steady_state", UNKNOWN, changed(h.Steady, {"phase": h.BEFORE}, well=False)),
    "nobody looked before": ("steady_state", UNKNOWN, without(h.Steady, phase=h.BEFORE)),
    "ill after": ("steady_state", REFUTED, changed(h.Steady, {"phase": h.AFTER}, well=False)),
    "an effect that vanished": ("lost", REFUTED, First(without(h.Effect, flow=ROUTING))),
    "a snapshot that is missing": ("lost", UNKNOWN, without(h.Snapshot, flow=ROUTING)),
    "a bucket that is gone": ("lost", REFUTED, First(without(h.Sums))),
    "a removal that no consumer told": (
        "lost", REFUTED, lambda each: h.Removed(stream="decision.made", entry=each.entry)
        if is_one(each, h.Effect, {"flow": ROUTING}) else each),
    "failed for certain, and there": (
        "recovered", REFUTED, First(changed(h.Ended, {"how": h.OK}, how=h.FAIL))),
    "an effect of nothing": (
        "unexpected", REFUTED, First(changed(h.Effect, {"flow": ROUTING}, identity="nobody"))),
    "an effect that says something else": (
        "unexpected", REFUTED, First(changed(h.Effect, {"flow": ROUTING}, digest="another"))),
    "a dead letter of no entry": (
        "unexpected", REFUTED, before(h.Snapshot, h.DeadLetter(
            flow=ROUTING, entry="1-1", ref="letter", reason="schema"))),
    "two orders of one identity": (
        "duplicated", REFUTED, after(h.Effect, {"flow": EXECUTION}, again)),
    "twice in a bucket": (
        "duplicated", REFUTED, First(lambda each: replace(
            each, fields={name: n + 1 for name, n in each.fields.items()})
            if isinstance(each, h.Sums) else each)),
    "pending beyond the group's place": (
        "conservation", UNKNOWN, changed(h.Snapshot, {"flow": ROUTING}, last_delivered_id="1-1",
                                         pending=("2-1",))),
    "a group that stands behind where it stood": (
        "conservation", UNKNOWN, changed(h.Snapshot, {"flow": ROUTING}, last_delivered_id="1-1")),
    "pending that nobody produced": (
        "conservation", UNKNOWN, changed(h.Snapshot, {"flow": ROUTING}, pending=("1-1",))),
    "a key that names no intent": (
        "conservation", REFUTED, lambda each: replace(
            each, values=dict.fromkeys(each.values, "1-1")) if isinstance(each, h.Dedup) else each),
    "buckets that nobody read": ("bucket_totals", UNKNOWN, without(h.Sums)),
    "an effect after its acknowledgement": (
        "ack_after_effect", REFUTED, First(
            changed(h.Effect, {"flow": ROUTING}, wall_ns=LATE_NS * 2))),
    "an acknowledgement without an effect": (
        "ack_after_effect", REFUTED, First(without(h.Effect, flow=ROUTING))),
    "no acknowledgement": ("ack_after_effect", UNKNOWN, without(h.Ack)),
    "an end that is told twice": (
        "one_terminal_state", REFUTED, after(h.Terminal, {}, again)),
    "an end that is told otherwise": (
        "one_terminal_state", REFUTED, First(
            changed(h.Terminal, {"state": "FILLED"}, state="REJECTED"))),
    "an end that is not told": ("one_terminal_state", REFUTED, First(without(h.Terminal))),
    "nobody knows how it ended": (
        "one_terminal_state", UNKNOWN, lambda each: replace(
            each, values={**each.values, "trace-x": "UNKNOWN"})
        if isinstance(each, h.Records) else each),
    "an end that is undone": (
        "lawful_transitions", REFUTED, after(h.State, filled(), lambda each: replace(
            each, before="FILLED", after="SUBMITTING"))),
    "a change that does not go on where the last one ended": (
        "lawful_transitions", REFUTED, First(changed(h.State, filled(), before="CLAIMED"))),
    "a change that skips a state": (
        "lawful_transitions", REFUTED, before(h.Snapshot, h.State(
            flow=EXECUTION, identity="older", before="CLAIMED", after="FILLED"))),
    "no change at all": ("lawful_transitions", UNKNOWN, without(h.State)),
    "FILLED for what was canceled": (
        "filled_means_filled", REFUTED, First(
            changed(h.Effect, {"outcome": "FILLED"}, outcome="CANCELED"))),
    "an order sent again unasked": (
        "asked_before_resubmitting", REFUTED, after(h.Call, {"verb": h.SUBMIT}, lambda e: e)),
    "an order sent again under another id": (
        "asked_before_resubmitting", REFUTED, after(
            h.Call, {"verb": h.SUBMIT}, lambda each: replace(each, order="q-other"))),
    "no order": ("asked_before_resubmitting", UNKNOWN, without(h.Call)),
    "a claim from the living": (
        "claims_from_the_dead", REFUTED, after(h.Delivery, {}, lambda each: replace(
            each, how=h.CLAIMED, consumer="thief", owner="slow", owner_lives=True,
            idle_ms=10**6))),
    "a claim that came too soon": (
        "claims_from_the_dead", REFUTED, after(h.Delivery, {}, lambda each: replace(
            each, how=h.CLAIMED, consumer="thief", owner="dead", idle_ms=1))),
    "deliveries that nobody saw": ("claims_from_the_dead", UNKNOWN, without(h.Delivery)),
    "two dead letters": ("dead_letters", REFUTED, after(h.DeadLetter, {}, again)),
    "a group that vanished": (
        "group_goes_forward", REFUTED, after(
            h.Position, {"flow": COUNTING, "last_delivered_id": lambda id_: id_ != "0-0"},
            lambda each: replace(each, last_delivered_id=""))),
    "nobody looked where the group stands": ("group_goes_forward", UNKNOWN, without(h.Position)),
    "effects without a key": ("order_per_key", UNKNOWN, changed(h.Effect, {}, entry="")),
    "two effects that changed places": (
        "order_per_key", REFUTED, lambda each: replace(each, wall_ns=2 * LATE_NS * 2 - each.wall_ns)
        if is_one(each, h.Effect, {"flow": ROUTING}) else each),
    "no sample of lag": ("recovery", UNKNOWN, without(h.Sample)),
    "no sample before the faults": (
        "recovery", UNKNOWN, lambda each: replace(each, wall_ns=each.wall_ns + LATE_NS)
        if isinstance(each, h.Sample) else each),
    "lag that stays": (
        "recovery", UNKNOWN, changed(h.Sample, {"n": lambda n: n > 1_000}, lag=10**3)),
    "lag that stays for long": (
        "recovery", REFUTED, lambda each: replace(each, lag=10**3, wall_ns=each.wall_ns * 2)
        if is_one(each, h.Sample, {"n": lambda n: n > 1_000}) else each),
    "a recovery that took too long": (
        "recovery", REFUTED, changed(h.Opening, {}, back_within_s=-1)),
    "latencies that are missing": (
        "latency", UNKNOWN, changed(h.Ended, {"how": h.OK, "n": lambda n: n > 800}, how=h.INFO)),
    "nothing under way during the faults": (
        "latency", UNKNOWN, lambda each: replace(each, wall_ns=each.wall_ns // 2)
        if isinstance(each, h.Fault) else each),
    "a deploy after which nobody looked": (
        "all_old_or_all_new", UNKNOWN, before(h.Snapshot, h.Invoked(
            op="deploy", process="laptop", what="deploy", wants="new"))),
    "a claim that was refuted": (
        "proofs_held", REFUTED, before(h.Snapshot, h.Proof(
            claim="stays_up", verdict="refuted", reasons=("3 restarts",)))),
    "a claim of another word": (
        "proofs_held", UNKNOWN, before(h.Snapshot, h.Proof(claim="stays_up", verdict="green"))),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_seen(name, lines):
    checker, word, edit = PLANTED[name]
    finding = judge_one(checker, edited(lines, edit))
    assert (finding.verdict.name, bool(finding.reasons)) == (word, True), finding


def test_what_a_run_rests_on_and_nobody_could_watch_leaves_it_unknown(lines):
    def edit(each):
        if isinstance(each, h.Flow):
            return replace(each, evidence=tuple(set(each.evidence) - {h.ACKS}))
        return replace(each, rests_on=rests_on) if isinstance(each, h.Opening) else each

    rests_on = ()
    found = judge(edited(lines, edit))
    assert (found.verdict.name, "ack_after_effect" in found.not_asked) == ("proved", True)
    rests_on = ("ack_after_effect", "lawful_transitions")
    found = judge(edited(lines, edit))
    assert found.verdict.name == "unknown"
    assert found.findings["ack_after_effect"].verdict.name == "unknown"
    assert found.findings["lawful_transitions"].verdict.name == "proved"


def test_a_decision_that_a_limit_refused_is_settled_by_the_end_that_was_told(lines):
    """It has no intent, and no dead letter; its execution.result is what there is of it."""
    refused = next(each for each in lines if is_one(each, h.Effect, {"flow": ROUTING}))

    def edit(each):
        if each is refused:
            told = h.Terminal(flow=ROUTING, identity=each.identity, state="REJECTED", ref="r-1")
            return at(each, told)
        if isinstance(each, h.Dedup):
            kept = {who: ref for who, ref in each.values.items() if who != refused.identity}
            return replace(each, values=kept)
        return each

    history = edited(lines, edit)
    for name in ("lost", "conservation", "ack_after_effect", "unexpected"):
        finding = judge_one(name, history)
        assert finding.verdict.name == "proved", finding


def test_a_run_of_deploys_alone_is_judged_by_its_claims():
    stages = (h.PLANNED, h.INJECTED, h.OBSERVED, h.UNDONE, h.GONE)
    told = h.Recorded(op="deploy", by="", outcome="committed", hosts={"lab1": "committed"})
    lines = [
        h.Opening(tool="t", version="1", seed=1, schedule="00", inventory="i", mode="lab"),
        h.Steady(phase=h.BEFORE, well=True),
        h.Stands(host="lab1", release="old"),
        h.Invoked(op="deploy", process="laptop", what="deploy", wants="new"),
        *(h.Fault(fault="f0", name="kill_laptop", stage=stage) for stage in stages),
        h.Ended(op="deploy", how=h.OK),
        *(replace(told, by=by) for by in (h.SAID, h.LEDGER, h.JOURNALS)),
        h.Stands(host="lab1", release="new", op="deploy"),
        h.Proof(claim="running_what_was_deployed", verdict="proved", reasons=("it runs",)),
        h.Steady(phase=h.AFTER, well=True),
        h.Closing(),
    ]
    judgement = judge(edited(lines, lambda each: each))
    assert judgement.verdict.name == "proved", judgement.told()
    assert {"lost", "latency", "recovery"} < set(judgement.not_asked)
    seen = (h.Proof, h.Stands)
    blind = judge(edited(lines, lambda each: None if isinstance(each, seen) else each))
    assert blind.verdict.name == "unknown"


def test_a_record_that_is_older_than_the_run_goes_on_lawfully(lines):
    older = h.State(flow=EXECUTION, identity="older", before="SUBMITTING", after="FILLED")
    finding = judge_one("lawful_transitions", edited(lines, before(h.Snapshot, older)))
    assert finding.verdict.name == "proved", finding


def test_a_flow_that_is_said_twice_is_one(lines):
    def edit(each):
        return [each, each] if isinstance(each, h.Flow) else each

    judgement = judge(edited(lines, edit))
    assert (
        judgement.findings["lost"].reasons
        == judge(edited(lines, lambda e: e)).findings["lost"].reasons
    )
    assert judgement.verdict.name == "proved"


def test_each_checker_has_a_history_that_it_does_not_prove():
    assert {checker for checker, _, _ in PLANTED.values()} == set(REGISTRY)
