"""Histories of deploys made by hand: half a release, a wrong ledger, a doubt that stays."""

from dataclasses import replace

import pytest

from fault_injection.checkers import judge_one
from fault_injection.history import happenings as h
from fault_injection.history.reading import history_of
from tests.checkers.editing import (
    First,
    after,
    before,
    changed,
    edited,
    is_one,
    without,
    written,
)

HOSTS = ("lab1", "lab2")
PROVED, REFUTED, UNKNOWN = "proved", "refuted", "unknown"


def on(state, hosts=HOSTS):
    return dict.fromkeys(hosts, state)


def looks(op, release, **other):
    return [h.Stands(op=op, host=host, release=other.get(host, release)) for host in HOSTS]


def recorded(op, said, ledger, journals, hosts=None):
    """The three records of a deploy; `hosts` are the states that the first two tell."""

    def told(by, word):
        return h.Recorded(op=op, by=by, outcome=word, hosts=states(word) if word else {})

    def states(word):
        return on(word) if hosts is None else hosts

    journal = h.Recorded(op=op, by=h.JOURNALS, hosts=journals)
    return [told(h.SAID, said), told(h.LEDGER, ledger), journal]


def deploy(op, wants, how, *records, stands=None, **other):
    return [
        h.Invoked(op=op, process="laptop", what="deploy", wants=wants),
        *([h.Ended(op=op, how=how)] if how else []),
        *recorded(op, *records),
        *looks(op, stands or wants, **other),
    ]


#: A day on which everything happens that may.
DAY = [
    h.Opening(tool="t", version="1", seed=1, schedule="00", inventory="i", mode="lab"),
    *looks("", "old"),
    *deploy("d1", "new", h.OK, "committed", "committed", on("committed")),
    *deploy("d2", "old", h.FAIL, "rolled_back", "rolled_back", on("rolled_back"), stands="new"),
    *deploy("d3", "old", h.INFO, "", "", on("rolled_back"), stands="new"),
    *deploy("d4", "old", "", "", "", on("committed")),
    *deploy("d5", "old", h.OK, "unchanged", "", {}),
    *deploy("d6", "new", h.FAIL, "refused", "", {}, {}, stands="old"),
    *deploy("d7", "new", h.INFO, "in_doubt", "in_doubt",
            {"lab1": "committed", "lab2": "rolled_back"},
            {"lab1": "committed", "lab2": "in_doubt"}, lab2="old"),
    *deploy("d8", "new", h.OK, "committed", "committed", {"lab2": "committed"},
            {"lab2": "committed"}),
    *deploy("d9", "old", h.INFO, "partly_committed", "partly_committed", {},
            {"lab1": "committed", "lab2": "rolled_back"}, lab2="new"),
    h.Invoked(op="d10", process="laptop", what="deploy", wants="old"),
    *deploy("d11", "rival", h.OK, "committed", "committed", on("committed"))[:-2],
    h.Ended(op="d10", how=h.FAIL),
    *recorded("d10", "refused", "", {}, {}),
    *looks("d11", "rival"),
    h.Closing(),
]  # fmt: skip


def stands(op, host="lab2", **to):
    return changed(h.Stands, {"op": op, "host": host}, **to)


def record(op, by, **to):
    return changed(h.Recorded, {"op": op, "by": by}, **to)


def ledgers(op, **to):
    """Both the deploy's own words and the ledger's."""
    return lambda each: record(op, h.LEDGER, **to)(record(op, h.SAID, **to)(each))


#: What was planted -> what must be said of it, and the edit.
PLANTED = {
    "nothing": (PROVED, lambda each: each),
    "half a release": (REFUTED, stands("d1", release="", said="2 steps from new")),
    "half a release that goes back": (REFUTED, stands("d2", release="", said="another file")),
    "half a release that somebody mends before the next deploy": (
        REFUTED, lambda each: [replace(each, release="", said="a file"), each]
        if is_one(each, h.Stands, {"op": "d1", "host": "lab2"}) else each),
    "another release with no deploy": (
        REFUTED, after(h.Stands, {"op": "d1", "host": "lab2"}, lambda each: replace(
            each, release="rival"))),
    "another file after a killed laptop": (REFUTED, stands("d3", release="", said="app.env")),
    "old where the ledger says committed": (REFUTED, stands("d1", release="old")),
    "old on all hosts where the ledger says committed": (
        REFUTED, changed(h.Stands, {"op": "d1"}, release="old")),
    "new where the ledger says rolled back": (
        REFUTED, changed(h.Stands, {"op": "d2"}, release="old")),
    "a third release": (REFUTED, stands("d1", release="rival")),
    "a ledger that says nothing of a commit": (
        REFUTED, record("d1", h.LEDGER, outcome="", hosts={})),
    "a ledger that says nothing of a rollback": (
        REFUTED, record("d2", h.LEDGER, outcome="", hosts={})),
    "a ledger that says the opposite": (
        REFUTED, record("d1", h.LEDGER, outcome="rolled_back", hosts=on("rolled_back"))),
    "a ledger of the wrong host": (
        REFUTED, record("d1", h.LEDGER, hosts={"lab1": "committed", "lab2": "rolled_back"})),
    "an in-doubt that never settles": (
        REFUTED, stands("d7", at_rest=False, said="20261121 is undecided")),
    "a journal that says the opposite of what stands": (
        REFUTED, record("d3", h.JOURNALS, hosts=on("committed"))),
    "a killed laptop's deploy of which one host keeps what the other has not": (
        REFUTED, lambda each: record("d4", h.JOURNALS, hosts={"lab1": "committed"})(
            stands("d4", release="new")(each))),
    "hosts that differ after a commit": (
        REFUTED, lambda each: ledgers("d1", hosts={"lab1": "committed"})(
            stands("d1", release="old")(each))),
    "unchanged where something else stands": (
        REFUTED, changed(h.Stands, {"op": "d5"}, release="new")),
    "refused, and changed all the same": (
        REFUTED, changed(h.Stands, {"op": "d6"}, release="new")),
    "of two at once the one that was refused stands": (
        REFUTED, changed(h.Stands, {"op": "d11"}, release="old")),
    "of two at once neither": (REFUTED, stands("d11", release="new")),
    "a host at which nobody looked": (UNKNOWN, without(h.Stands, op="d1", host="lab2")),
    "no look at all": (UNKNOWN, without(h.Stands)),
    "no look before the first": (UNKNOWN, lambda each: without(h.Stands, op="")(
        changed(h.Recorded, {"op": "d1", "by": h.LEDGER}, outcome="rolled_back", hosts={})(
            changed(h.Recorded, {"op": "d1", "by": h.SAID}, outcome="rolled_back", hosts={})(
                each)))),
    "a ledger that nobody read": (UNKNOWN, without(h.Recorded, by=h.LEDGER)),
    "journals that nobody read": (UNKNOWN, without(h.Recorded, by=h.JOURNALS)),
    "a journal that is in doubt as well": (
        UNKNOWN, record("d3", h.JOURNALS, hosts=on("applied"))),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_seen(name):
    word, edit = PLANTED[name]
    finding = judge_one("all_old_or_all_new", edited(DAY, edit))
    assert (finding.verdict.name, bool(finding.reasons)) == (word, True), finding


def test_all_that_may_happen_is_settled_and_counted():
    finding = judge_one("all_old_or_all_new", edited(DAY, lambda each: each))
    assert finding.numbers == {"deploys": 11, "settled": 11, "hosts": 2}


def test_what_a_fresh_host_has_before_its_first_deploy_is_nobodys_fault():
    bare = changed(h.Stands, {"op": ""}, release="", said="nothing is deployed")
    assert judge_one("all_old_or_all_new", edited(DAY, bare)).verdict.name == PROVED


def test_a_look_with_no_deploy_before_it_finds_what_stood_there():
    again = before(h.Closing, *looks("d11", "rival"))
    assert judge_one("all_old_or_all_new", edited(DAY, again)).verdict.name == PROVED


def test_without_a_deploy_nobody_asks_and_with_a_look_alone_nothing_is_shown():
    kinds = (h.Invoked, h.Recorded, h.Stands)
    none = edited(DAY, lambda each: None if isinstance(each, kinds) else each)
    assert judge_one("all_old_or_all_new", none) is None
    only = edited(DAY[:3] + DAY[-1:], lambda each: each)
    assert judge_one("all_old_or_all_new", only).verdict.name == UNKNOWN


def test_a_beginning_of_it_is_unknown_or_says_what_the_whole_says():
    for edit in (PLANTED["nothing"], PLANTED["half a release that goes back"]):
        whole = edited(DAY, edit[1])
        for cut in range(1, len(whole.happenings)):
            part = judge_one("all_old_or_all_new", history_of(written(whole.happenings[:cut])))
            assert part is None or part.verdict.name in {UNKNOWN, edit[0], PROVED}
            if part and part.verdict.name == REFUTED:
                assert edit[0] == REFUTED


def test_a_resumed_run_looks_at_what_was_cut_off():
    """The harness died amid d4, and who goes on looks first of all."""
    resumed = after(h.Invoked, {"op": "d4"}, lambda _: h.Resumed(torn=0))
    assert judge_one("all_old_or_all_new", edited(DAY, resumed)).verdict.name == PROVED


def test_the_edits_above_edit_something():
    for name, (_, edit) in PLANTED.items():
        if name != "nothing":
            fresh = edit.fresh() if isinstance(edit, First) else edit
            assert any(fresh(each) is not each for each in DAY), name
