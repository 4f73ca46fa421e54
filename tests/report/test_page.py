"""The page: what it says first, what it never leaves out; it is safe, small and the same."""

import os
import random
import re
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest

from fault_injection.history import happenings as h
from fault_injection.history.reading import history_of
from fault_injection.report import render, summary
from fault_injection.report.page import MOST_BYTES, SCRIPT
from tests.checkers.editing import written
from tests.checkers.large import large
from tests.checkers.mutants import MUTANTS
from tests.checkers.running import BRIEF, SHORTER, Run
from tests.checkers.two_scenarios import day
from tests.oracles.scale import sized
from tests.report.conftest import Shown
from tests.report.days import START_NS, Played, scheduled
from tests.report.pages import TAGS, Page

PROJECT = Path(__file__).resolve().parents[2]
HOSTILE = '</script></style><img src=x onerror="alert(1)">&{{ 7*7 }}\x00\u202e'
#: Words that mean something to a checker stay as they are.
KEPT = {"how", "stage", "evidence", "phase", "verdict", "verb", "answer", "what", "did"}
MANY_FAULTS = 1_000
ODD = (0, 1, -1, -(10**20), 10**20, START_NS, 10**40)


@pytest.fixture
def note(request):
    return lambda **numbers: request.node.user_properties.extend(numbers.items())


def heading(page):
    return " ".join(re.sub(r"<[^>]+>", "", re.search(r"<h1.*?</h1>", page, re.DOTALL)[0]).split())


def test_the_verdict_is_one_sentence_with_its_numbers(well, ill):
    said = heading(well.page)
    assert said.startswith("✓ Proved: seed 7 on lab ran ")
    assert "while 7 faults were observed (" in said
    assert "nothing was lost or doubled, and all 15 checks held." in said
    said = heading(ill.page)
    assert said.startswith("✗ Refuted: ")
    assert "while 6 of 7 faults were observed" in said
    assert "2 lost and 3 doubled: lost, duplicated" in said


def test_what_was_planned_and_not_seen_stands_above_everything_else(ill, well):
    page = Page(ill.page)
    at = page.text.index("2 faults were not seen to come and to go.")
    assert at < page.text.index("What happened")
    assert "injected, never observed" in page.text[at : at + 300]
    assert "observed, never seen gone" in page.text[at : at + 300]
    assert ill.page.count('class="b unseen"') > 1  # beside the legend's
    assert well.page.count('class="b unseen"') == 1
    assert 'class="b stuck"' in ill.page
    assert 'class="alarm"' not in well.page
    assert "planned, never begun" not in well.page


def test_every_checker_is_named_with_what_it_found_or_that_it_was_not_asked(ill):
    page = Page(ill.page).text
    for name, finding in ill.judgement.findings.items():
        assert name in page
        assert finding.reasons[0] in page
    assert ill.judgement.not_asked
    for name in ill.judgement.not_asked:
        assert f"\u2013 not asked {name} no flow gathers what it looks at" in page


def test_a_day_has_a_section_for_each_scenario_and_leads_to_it(well, plan):
    page = well.page
    for number, slot in enumerate(plan.slots, 1):
        assert f'<a href="#slot-{number}">{slot.scenario}</a>' in page
        assert f'<section class="scenario" id="slot-{number}">' in page
        assert f"{slot.workload}, {slot.per_s} events a second, seed {slot.seed}." in page


def test_a_run_of_one_scenario_has_no_contents(plan):
    one = replace(plan, slots=plan.slots[:1], faults=plan.faults[:1])
    shown = Shown(written([]), one)
    assert "<section" not in shown.page
    assert "packets_lost: The network between consumers and Redis loses packets." in shown.page


def test_lanes_series_latency_and_recovery_are_there(well):
    page = well.page
    for kind in ("planned", "observed", "undone", "up", "down", "hit", "call", "slot", "well"):
        assert f'class="b {kind}"' in page or f'class="glyph {kind}"' in page, kind
    text = Page(page).text
    for title in ("throughput per second", "lag entries", "pending entries", "lab1 redis-server",
                  "exchange", "Until its effect was there", "back after"):  # fmt: skip
        assert title in text, title
    assert page.count('<div class="bracket">') == 7


def test_a_scenario_that_never_came_back_is_told_although_another_one_followed():
    late = Page(Shown(written(day(light=1, after_light=9, heavy=9, after_heavy=1))).page).text
    assert late.count("not seen to be back") == 1
    assert "the next fault came first" not in late
    well = Page(Shown(written(day(light=1, after_light=1, heavy=9, after_heavy=9))).page).text
    assert "not seen to be back" not in well


def test_the_lost_and_the_doubled_are_told_whole_and_open(ill):
    page = ill.page
    found = ill.judgement.findings
    (lost, *_), (twice, *_) = (found[each].numbers["identities"] for each in ("lost", "duplicated"))
    for identity, why in ((lost, "lost"), (twice, "doubled")):
        opened = f'<details class="life" data-id="{identity}" open>'
        assert opened in page
        summary_of = page.partition(opened)[2].partition("</summary>")[0]
        assert f'<span class="tag bad">{why}</span>' in summary_of
    life = page.partition(f'data-id="{twice}"')[2].partition("</details>")[0]
    assert life.count(">effect<") == 3  # one of the router, two of execution
    assert ">ordinary<" in page


def test_the_day_before_is_compared(ill, well):
    before = summary(well.history, well.judgement)
    page = Shown.page.fget(_with(ill, before))
    assert "Against the day before" in page
    rows = Page(page).text
    assert "lost 0 2 ▼ worse" in rows
    assert "check lost proved refuted ▼ worse" in rows
    assert "Against the day before" not in ill.page
    other = {**before, "format": 0}
    assert "summed up in another way" in Shown.page.fget(_with(ill, other))


def _with(shown, previous):
    made = Shown.__new__(Shown)
    made.history, made.judgement, made.schedule = shown.history, shown.judgement, shown.schedule
    made.previous = previous
    return made


def test_scenarios_stand_where_the_run_itself_says_that_they_began(plan):
    """And those that it never came to are told as such."""
    day = 4 * 3600 * 10**9  # nowhere near the plan's times
    lines = [h.Opening(tool="", version="", seed=7, schedule="", inventory="", mode="",
                       wall_ns=START_NS)]  # fmt: skip
    for number, at_s in enumerate((10, 100)):
        began = START_NS + day + at_s * 10**9
        name = plan.slots[number].scenario
        lines.append(h.Process(name="run", did="begins", said=name, wall_ns=began))
        lines.append(h.Steady(phase=h.BEFORE, well=True, wall_ns=began + 10**9))
    lines += [
        h.Fault(fault="1", name="lose_packets", stage=h.PLANNED, wall_ns=START_NS),
        h.Process(name="fault 1 (lose_packets)", did="not injected", said="no nft there",
                  wall_ns=began),
        h.Process(name="run", did="ended early", said="the stop file", wall_ns=began + 10**10),
    ]  # fmt: skip
    shown = Shown(written(lines), plan)
    text = Page(shown.page).text
    assert "1 packets_lost 4:00:10.0 4:01:40.0" in text
    assert "2 consumers_killed 4:01:40.0 4:01:50.0" in text
    assert text.count("not reached") == 2
    assert "The run ended early: the stop file." in text
    assert "planned, never begun not injected no nft there" in text
    assert "run</code>" not in shown.page  # the run itself is no process that anybody breaks


def test_very_many_kills_are_told_as_how_many_when_and_no_wider_than_they_were():
    lines = [h.Opening(tool="", version="", seed=1, schedule="", inventory="", mode="",
                       wall_ns=START_NS)]  # fmt: skip
    for number in range(200):
        at = START_NS + number * 10 * 10**9
        for part, stage in enumerate((h.PLANNED, h.INJECTED, h.OBSERVED, h.UNDONE, h.GONE)):
            lines.append(h.Fault(fault=str(number), name="kill_consumer", stage=stage,
                                 target="lab2 router", wall_ns=at + part * 10**8))  # fmt: skip
    lines.append(h.Closing(wall_ns=START_NS + 2_000 * 10**9))
    page = Shown(written(lines)).page
    assert "2 of them" in page
    assert 'class="b undone" x' not in page.partition("</style>")[2].partition('"legend"')[0]
    ground = page.partition('<g id="ground-')[2].partition("</g>")[0]
    widths = [float(each) for each in re.findall(r'width="([0-9.]+)%"', ground)]
    assert len(widths) == 200
    assert sum(widths) < 20  # a fiftieth of the time, and what must be seen at all


# -- whatever it is given


def test_a_page_comes_of_nothing_of_a_torn_and_of_a_damaged_history(plan):
    brief = Run(3, faults=("Kill",), steps=BRIEF).history()
    lines = brief.splitlines(keepends=True)
    damaged = b"".join([*lines[:40], b"{]\n", *lines[41:]])
    for data, said in (
        (b"", "a history without its first line"),
        (brief[: len(brief) // 2], "did not come to its end"),
        (brief[:-7], "bytes do not count"),
        (damaged, "Nothing follows from it"),
        (b"\xff\x00" * 100, "its last line is torn"),
    ):
        for schedule in (None, plan):
            shown = Shown(data, schedule)
            assert heading(shown.page).startswith("? Unknown: "), said
            assert said.lower() in Page(shown.page).text.lower()
            assert Page(shown.page).unbalanced == []


def test_any_prefix_of_a_run_gives_a_page():
    brief = Run(3, faults=("Kill",), steps=BRIEF).history()
    lines = brief.splitlines(keepends=True)
    for part in range(1, len(lines), len(lines) // sized(12, 200)):
        assert Page(Shown(b"".join(lines[:part])).page).unbalanced == []


def test_a_schedule_that_is_another_one_is_told(plan):
    shown = Shown(Run(3, faults=("Kill",), steps=BRIEF).history(), plan)
    assert "The schedule is not the one that the history names" in shown.page
    assert "not reached" in shown.page
    assert "1 fault was in no plan" not in shown.page


@pytest.mark.parametrize("name", list(MUTANTS)[:: sized(6, 1)])
def test_broken_consumers_are_shown_as_such(name):
    mutant = MUTANTS[name]
    run = Run(2, peers=mutant.peers, faults=mutant.faults, steps=SHORTER, **mutant.changes)
    shown = Shown(run.history())
    verdict = shown.judgement.verdict.name
    assert heading(shown.page)[2:].lower().startswith(verdict)
    assert Page(shown.page).unbalanced == []


def test_texts_of_others_are_only_texts():
    lines = history_of(Run(7, steps=BRIEF).history()).happenings
    shown = Shown(written(_hostile(each) for each in lines))
    page = Page(shown.page)
    assert set(page.tags) <= TAGS
    assert page.unbalanced == []
    assert page.scripts == [SCRIPT]
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "\x00" not in shown.page
    assert "\u202e" not in shown.page
    assert "{{ 7*7 }}" in page.text


def _hostile(each):
    texts = {
        field.name: HOSTILE + getattr(each, field.name)
        for field in fields(each)
        if isinstance(getattr(each, field.name), str) and field.name not in KEPT
    }
    return replace(each, **texts)


def test_the_page_needs_no_network_and_asks_for_none(ill):
    page = ill.page
    assert not re.search(r"\ssrc\s*=|@import|https?:|url\((?!#)", page)
    assert "default-src 'none'" in page
    hrefs = [value for name, value in Page(page).attributes if name == "href"]
    assert hrefs
    assert all(each.startswith(("#slot-", "#ground-")) for each in hrefs)


# -- the same, and small


def test_the_same_run_gives_the_same_bytes_in_every_process():
    program = (
        "import sys\n"
        "from tests.report.conftest import Shown\n"
        "from tests.checkers.running import BRIEF, Run\n"
        "sys.stdout.write(Shown(Run(3, steps=BRIEF).history()).page)\n"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, check=True, capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    ).stdout.decode()  # fmt: skip
    first, again = (Shown(Run(3, steps=BRIEF).history()).page for _ in range(2))
    assert elsewhere == first == again


def test_the_page_does_not_grow_with_the_operations(note):
    """How long it took is noted, not judged."""
    few, many = Shown(large(1_000)), Shown(large(sized(10_000, 100_000)))
    small = render(few.history, few.judgement, None)
    begun = time.process_time()
    big = render(many.history, many.judgement, None)
    took_ms = round(1_000 * (time.process_time() - begun))
    note(lines=len(many.history.happenings), bytes=len(big), rendered_ms=took_ms)
    assert len(big) < 1.2 * len(small)
    assert len(big) < MOST_BYTES


def test_a_thousand_faults_with_long_names_stay_below_a_mebibyte():
    long = "a very long name of something " * 40
    lines = [h.Opening(tool=long, version="1", seed=1, schedule=long, inventory=long, mode="lab")]
    for number in range(MANY_FAULTS):
        at = START_NS + number * 10**9
        for part, stage in enumerate((h.PLANNED, h.INJECTED, h.OBSERVED, h.UNDONE, h.GONE)):
            if number % 3 or stage != h.OBSERVED:
                lines.append(h.Fault(fault=f"{number}", name=f"{number % 40} {long}", stage=stage,
                                     target=f"{number % 30} {long}", said=long,
                                     wall_ns=at + part * 10**8))  # fmt: skip
        lines.append(h.Process(name=f"{number % 30} {long}", did="killed", wall_ns=at))
        lines.append(h.Process(name=f"{number % 30} {long}", did="started", wall_ns=at + 10**8))
        lines.append(h.Sample(flow=f"{number % 20} {long}", lag=number, pending=0, wall_ns=at))
    lines[0].wall_ns = START_NS
    shown = Shown(written(lines))
    assert len(shown.page.encode()) < MOST_BYTES
    assert "faults were not seen to come and to go" in shown.page
    assert "Not drawn:" in shown.page


def test_a_whole_day_of_scenarios_stays_below_a_mebibyte():
    plan = scheduled(
        minutes=sized(300, 24 * 60), names=("redis_paused", "redis_killed", "consumers_killed")
    )
    assert len(plan.slots) > 100
    played = Played(plan)
    for slot in plan.slots:
        played.faults_of(slot)
    shown = Shown(written(played.lines), plan)
    assert len(shown.page.encode()) < MOST_BYTES
    assert Page(shown.page).unbalanced == []


# -- and whatever the numbers are


def test_no_history_is_too_odd_for_a_page(plan):
    """Lines that are left out, come twice, or have times and numbers that nothing has."""
    lines = history_of(Run(5, steps=BRIEF).history()).happenings
    for seed in range(sized(15, 500)):
        chance = random.Random(seed)
        odd = written(_odd(chance, lines))
        for schedule in (None, plan)[seed % 2 :]:
            page = Page(Shown(odd, schedule).page)
            assert page.unbalanced == []
            assert len(page.text) > 500


def _odd(chance, lines):
    share = chance.choice((0.01, 0.1, 0.5))
    for each in lines:
        if chance.random() > share:
            yield each
            continue
        numbers = [field.name for field in fields(each) if type(getattr(each, field.name)) is int]
        for _ in range(chance.choice((0, 1, 1, 2))):
            yield replace(each, **{chance.choice(numbers): chance.choice(ODD)})


def test_effects_without_a_time_are_no_peak_and_a_line_breaks_where_nobody_looked():
    s = 10**9
    lines = [
        h.Opening(
            tool="", version="", seed=1, schedule="", inventory="", mode="", wall_ns=START_NS
        ),
        h.Flow(flow="a", stream="s", group="g", evidence=(h.EFFECTS, h.LAG), wall_ns=START_NS),
    ]
    for second in [*range(100), *range(600, 700)]:
        at = START_NS + second * s
        lines.append(h.Sample(flow="a", lag=second % 3, pending=1, wall_ns=at))
        effect = h.Effect(flow="a", identity=f"{second}", ref=f"{second}", wall_ns=at)
        read_back = START_NS + 701 * s + 123
        lines += [effect, replace(effect, identity=f"b{second}", wall_ns=read_back)]
    lines.append(h.Closing(wall_ns=START_NS + 702 * s))
    page = Shown(written(lines)).page
    lag = page.partition("<strong>lag</strong>")[2].partition("</svg></div>")[0]
    assert lag.count("<polyline") == 2
    peak = re.search(r"effects of a <small>≤ ([0-9.]+)</small>", page)
    assert float(peak[1]) < 2
