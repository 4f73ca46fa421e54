"""A history reads whatever became of its writer, and half of it never says more than the whole."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fault_injection.checkers import judge, judge_file
from fault_injection.history.adding import adds_of
from fault_injection.history.happenings import (
    KINDS,
    Ack,
    Call,
    Closing,
    Delivery,
    Effect,
    Invoked,
    Opening,
    Position,
    Process,
    Reached,
    Resumed,
    Sample,
    State,
)
from fault_injection.history.lines import decoded, encoded
from fault_injection.history.lives import life
from fault_injection.history.reading import history_of, read
from fault_injection.workloads.apply_result import events
from harness.errors import HistoryError
from proofs.finding import Verdict
from tests.checkers.conftest import Short
from tests.checkers.editing import written
from tests.checkers.mutants import MUTANTS
from tests.checkers.running import BRIEF, Run
from tests.independent_fold import buckets_of
from tests.oracles.scale import sized

OF_JSON = {
    "str": st.text(max_size=20),
    "int": st.integers(),
    "bool": st.booleans(),
    "tuple[str, ...]": st.lists(st.text(max_size=5), max_size=3).map(tuple),
    "Mapping[str, int]": st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    "Mapping[str, str]": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
}
HAPPENINGS = st.one_of(
    [
        st.builds(
            kind, **{name: OF_JSON[of.type] for name, of in kind.__dataclass_fields__.items()}
        )
        for kind in KINDS.values()
    ]
)
#: What is seen as it happens or never; all else can be read again in the end.
SEEN_LIVE = (Ack, Delivery, Position, Sample, State, Call, Process, Reached)


@settings(deadline=None, max_examples=80)
@given(HAPPENINGS)
def test_each_happening_comes_back_as_it_was(each):
    line = encoded(each, each.n, 5, each.mono_ns)
    assert line.count(b"\n") == 1
    back = decoded(line)
    assert back.wall_ns == (each.wall_ns or 5)
    assert encoded(back, back.n, back.wall_ns, back.mono_ns) == line


@pytest.fixture(scope="module")
def refuted():
    """Return short runs that end refuted, for different reasons."""
    found = []
    for name in ("ack_before_effect", "no_deduplication", "double_hincrby", "TerminalStateTwice"):
        run = Run(1, faults=("Duplicates", "LostReplies"), steps=BRIEF, **MUTANTS[name].changes)
        found.append(Short(run.history()))
        assert judge(history_of(found[-1])).verdict is Verdict.refuted
    return found


@settings(deadline=None, max_examples=sized(40, 1_000))
@given(share=st.floats(0, 1), which=st.integers(0, 4))
def test_a_prefix_reads_and_is_unknown_or_says_what_the_whole_says(brief, refuted, share, which):
    data = [brief, *refuted][which]
    whole, part = judge(history_of(data)), judge(history_of(data[: int(share * len(data))]))
    assert part.verdict in {Verdict.unknown, whole.verdict}
    for name, finding in part.findings.items():
        if finding.verdict is Verdict.refuted:
            assert whole.findings[name].verdict is Verdict.refuted


@pytest.mark.parametrize("left", range(1, 40))
def test_not_even_the_last_bytes_may_be_missing(brief, left):
    judgement = judge(history_of(brief[:-left]))
    assert judgement.verdict is Verdict.unknown
    assert judgement.findings["whole"].verdict is Verdict.unknown


@settings(deadline=None, max_examples=sized(25, 1_000))
@given(begin=st.floats(0, 1), length=st.floats(0, 0.5), which=st.integers(0, 4))
def test_what_nobody_watched_refutes_nothing(brief, refuted, begin, length, which):
    """A harness dies, another one goes on later and reads in the end what can still be read."""
    data = [brief, *refuted][which]
    lines = history_of(data).happenings
    first = 1 + int(begin * (len(lines) - 2))
    gap = [each for each in lines[first : first + int(length * len(lines))]
           if not isinstance(each, SEEN_LIVE)]  # fmt: skip
    at = replace(Resumed(torn=0), wall_ns=lines[first].wall_ns)
    rest = lines[first + int(length * len(lines)) :]
    judgement = judge(history_of(written([*lines[:first], at, *gap, *rest])))
    assert judgement.verdict in {Verdict.unknown, judge(history_of(data)).verdict}


@settings(deadline=None, max_examples=sized(40, 1_000))
@given(at=st.floats(0, 1), length=st.integers(0, 300), junk=st.binary(max_size=20))
def test_damage_reads_and_never_proves(brief, at, length, junk):
    begin = int(at * (len(brief) - 1))
    damaged = brief[:begin] + junk + brief[begin + length :]
    judgement = judge(history_of(damaged))
    if history_of(damaged).damage:
        assert judgement.verdict is Verdict.unknown


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_read(data):
    assert judge(history_of(data)).verdict is Verdict.unknown


def test_every_line_that_is_left_out_is_missed(brief):
    lines = brief.splitlines(keepends=True)
    for at in range(1, len(lines) - 1, 19):
        history = history_of(b"".join(lines[:at] + lines[at + 1 :]))
        assert history.damage
        assert judge(history).verdict is Verdict.unknown


def test_a_line_torn_in_the_middle_is_damage(brief):
    lines = brief.splitlines(keepends=True)
    lines[20] = lines[20][:30] + b"\n"
    history = history_of(b"".join(lines))
    assert "line 21 cannot be read" in history.damage[0]
    assert judge(history).verdict is Verdict.unknown


def test_damage_outweighs_what_was_refuted(refuted):
    lines = refuted[0].splitlines(keepends=True)
    assert judge(history_of(b"".join([*lines[:9], b"{}\n", *lines[9:]]))).verdict is Verdict.unknown


def test_a_torn_last_line_is_told(brief):
    history = history_of(brief[:-10])
    assert history.torn > 0
    assert not history.damage
    assert "torn" in judge(history).findings["whole"].reasons[0]


def test_what_comes_long_after_the_last_line_is_damage(brief):
    lines = brief + b"".join(encoded(Reached(target="t"), n, 1, 1) for n in range(9_000))
    assert all("comes after the last one" in each or "belongs" in each
               for each in history_of(lines).damage)  # fmt: skip
    count = brief.count(b"\n")
    lines = brief + b"".join(encoded(Reached(target="t"), count + n, 1, 1) for n in range(9_000))
    assert "comes after the last one" in history_of(lines).damage[0]


def test_what_comes_after_the_last_line_is_damage(brief):
    more = encoded(
        Opening(tool="", version="", seed=1, schedule="", inventory="", mode=""), 0, 1, 1
    )
    assert len(history_of(brief + more).damage) == 3


def test_a_torn_line_that_the_next_one_tells_is_no_damage(brief):
    lines = brief.splitlines(keepends=True)
    torn = lines[30][:17]
    heir = encoded(Resumed(torn=len(torn)), 30, 1, 1)
    history = history_of(b"".join(lines[:30]) + torn + b"\n" + heir)
    assert not history.damage
    other = encoded(Resumed(torn=len(torn) + 1), 30, 1, 1)
    assert history_of(b"".join(lines[:30]) + torn + b"\n" + other).damage


@pytest.mark.parametrize("second", [b"", b"{", b'{"n":30,"is":"res'])
def test_one_who_goes_on_may_die_over_it_as_well(brief, second):
    """Its first line is torn behind the other one, and a third one tells of both."""
    lines = brief.splitlines(keepends=True)
    torn = lines[30][:17] + b"\n" + second
    left = history_of(b"".join(lines[:30]) + torn)
    assert (left.damage, left.torn, len(left.happenings)) == ((), len(torn), 30)
    heir = encoded(Resumed(torn=left.torn), 30, 1, 1)
    assert not history_of(b"".join(lines[:30]) + torn + b"\n" + heir).damage


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"7", b'{"is":"none"}', b'{"is":"closing","n":"x"}', b'{"is":"closing","more":1}',
     b'{"is":"opening"}', b'{"is":["closing"]}', b"\xff", b"[" * 9_999, b'{"is":"ack","n":true}'],
)  # fmt: skip
def test_what_is_no_line_of_ours_is_damage(brief, line):
    with pytest.raises(ValueError):
        decoded(line)
    lines = brief.splitlines(keepends=True)
    assert history_of(b"".join([*lines[:9], line + b"\n", *lines[9:]])).damage


def test_values_of_a_wrong_kind_leave_a_checker_unknown(brief):
    """The lines themselves are well; what they say cannot be reckoned with."""
    lines = [json.loads(line) for line in brief.splitlines()]
    for each in lines:
        if each["is"] == "position":
            each["last_delivered_id"] = "soon"
    data = b"".join(json.dumps(each).encode() + b"\n" for each in lines)
    finding = judge(history_of(data)).findings["group_goes_forward"]
    assert (finding.verdict, "malformed" in finding.reasons[0]) == (Verdict.unknown, True)


def test_a_verdict_can_be_recomputed_from_the_file(brief, tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_bytes(brief)
    assert judge_file(path).told() == judge(history_of(brief)).told()
    json.dumps(judge_file(path).told())


def test_where_there_is_no_history_it_says_so(tmp_path):
    with pytest.raises(HistoryError, match="No such file"):
        read(tmp_path / "none.jsonl")


def test_what_entries_add_is_what_an_independent_fold_says():
    entries = [(f"1770000{n:06}-0", fields)
               for n, fields in enumerate(events(5, 300, 1_770_000_000_000))]  # fmt: skip
    added = Counter(said for entry, fields in entries for said in adds_of(entry, fields))
    wanted = {f"{minute} {field}": count for minute, fields in buckets_of(entries).items()
              for field, count in fields.items()}  # fmt: skip
    assert dict(added) == wanted


def test_the_life_of_an_identity(lines):
    history = history_of(b"".join(encoded(e, e.n, e.wall_ns, e.mono_ns) for e in lines))
    who = history.of(Effect)[3].identity
    told = life(history, who)
    kinds = [type(each).__name__ for each in told]
    assert kinds[0] == "Invoked"
    assert {"Invoked", "Ended", "Produced", "Delivery", "Effect", "Ack", "Terminal"} <= set(kinds)
    assert [each.wall_ns for each in told] == sorted(each.wall_ns for each in told)
    others = {each.identity for each in history.of(Invoked)} - {who}
    assert not others & {getattr(each, "identity", "") for each in told}
    assert not any(isinstance(each, Closing) for each in told)
