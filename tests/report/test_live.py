"""The live view: what is going on, from nothing but what is written and the plan."""

import io
import threading

from rich.console import Console

from commands.fault_board import FaultBoard, drawn
from commands.showing import Display
from fault_injection.history import happenings as h
from fault_injection.history.reading import history_of
from fault_injection.report.live import NOT_OBSERVED, Watch, sparkline
from tests.report.days import START_NS, Played


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def watched(plan, until_s, **how):
    """Return a day's watch at a moment, and all lines that were told until then."""
    clock = Clock()
    watch, told = Watch(plan, clock), []
    for each in history_of(Played(plan, per_s=2, **how).history()).happenings:
        clock.now = (each.wall_ns - START_NS) / 10**9
        if clock.now > until_s:
            clock.now = until_s
            break
        told += watch.on(each)
    return watch, told


def text_of(watch, height=40):
    console = Console(file=io.StringIO(), width=120, height=height)
    console.print(drawn(watch.now(), "", height))
    return console.file.getvalue()


def test_amid_a_fault_it_is_there_with_its_stage_and_what_waits(plan):
    fault = next(each for each in plan.faults if each.fault == "kill_redis")
    watch, _ = watched(plan, fault.at_ms / 1000 + 2)
    now = watch.now()
    assert now.scenario == fault.scenario
    (there,) = now.faults
    assert (there.fault, there.stage, round(there.for_s)) == (str(fault.number), h.OBSERVED, 2)
    assert 1.5 < now.per_s < 2.5
    assert {each.flow for each in now.flows} == {"ai-strategy-router", "execution"}
    assert max(each.lag for each in now.flows) > 0
    assert now.coming.for_s < 0
    shown = text_of(watch)
    assert f"{fault.fault} ({fault.number})" in shown
    assert "operations/s" in shown
    assert f"{now.place}" in shown


def test_a_fault_that_nobody_saw_is_told_as_such(plan):
    fault = plan.faults[1]
    watch, told = watched(plan, fault.undo_at_ms / 1000 + 1, blind={"2"})
    (there,) = watch.now().faults
    assert NOT_OBSERVED in there.stage
    assert any(NOT_OBSERVED in each for each in told)
    assert NOT_OBSERVED in text_of(watch)


def test_a_whole_day_is_told_in_lines_of_scenarios_and_stages(plan):
    watch, told = watched(plan, 10**6)
    begins = [each for each in told if " begins: " in each]
    ends = [each for each in told if " ends: " in each]
    assert len(begins) == len(ends) == len(plan.slots)
    assert begins[0].endswith(f"scenario 1 of {len(plan.slots)} begins: {plan.slots[0].scenario}")
    assert ends[-1].endswith(f"{plan.slots[-1].scenario}, 1 of 1 faults observed")
    for stage in (h.INJECTED, h.OBSERVED, h.UNDONE, h.GONE):
        assert sum(f"  {stage}" in each for each in told) == len(plan.faults)
    assert len(told) == 2 * len(plan.slots) + 4 * len(plan.faults)
    assert watch.now().faults == []
    assert watch.now().seen == "7 of 7 faults observed"
    assert "no fault now, and none to come" in text_of(watch)


def test_a_run_that_lags_behind_its_plan_is_in_the_scenario_of_its_faults(plan):
    clock = Clock()
    watch = Watch(plan, clock)
    watch.on(h.Steady(phase=h.BEFORE, well=True))
    late = plan.faults[-1]
    watch.on(h.Fault(fault=str(late.number), name=late.fault, stage=h.PLANNED))
    assert watch.now().scenario == plan.slots[0].scenario
    watch.on(h.Fault(fault=str(late.number), name=late.fault, stage=h.INJECTED))
    assert watch.now().scenario == late.scenario


def test_without_a_plan_and_before_anything_was_written_there_is_a_picture():
    watch = Watch(None)
    assert "no scenario" in text_of(watch)
    watch.on(h.Sample(flow="a", lag=-3, pending=2))
    assert "a" in text_of(watch, height=3)


def test_a_sparkline_is_as_high_as_its_highest():
    assert sparkline([0, 7, 14]) == "▁▄█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_in_a_pipe_there_are_plain_lines_and_nothing_with_json(plan, capsys):
    for quiet in (False, True):
        with Display(quiet=quiet) as display:
            board = FaultBoard(display.console, plan)
            with display.shown(board):
                display.stage("preparing")
                board.on(h.Opening(tool="", version="", seed=1, schedule="", inventory="", mode=""))
                board.on(h.Fault(fault="1", name="[red]kill", stage=h.OBSERVED, target="[x]"))
                board.on(h.Ended(op="1", how=h.OK), h.Sample(flow="a", lag=1, pending=1))
    assert capsys.readouterr().out.splitlines() == [
        "preparing",
        f"0:00  scenario 1 of {len(plan.slots)} begins: {plan.slots[0].scenario}",
        "0:00  [red]kill (1) [x]  observed",
    ]


def test_on_a_terminal_it_is_drawn_while_many_threads_write(plan):
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=40)
    board = FaultBoard(console, plan)
    board.start()
    board.caption("looking at the steady state")

    def write():
        for number in range(500):
            board.on(h.Ended(op=str(number), how=h.OK))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    board.stop()
    shown = console.file.getvalue()
    assert "2,000 in all" in shown
    assert "looking at the steady state" in shown
    assert plan.slots[0].scenario in shown


def test_where_the_run_tells_its_scenarios_its_plan_is_not_asked(plan):
    clock = Clock()
    watch = Watch(plan, clock)
    first = watch.on(h.Opening(tool="", version="", seed=1, schedule="", inventory="", mode=""))
    assert first == [f"0:00  scenario 1 of 4 begins: {plan.slots[0].scenario}"]
    watch = Watch(plan, clock)
    clock.now = 0.0
    told = []
    for number, slot in enumerate(plan.slots):
        clock.now += 20.0
        begun = h.Process(name="run", did="begins", said=slot.scenario)
        told += watch.on(begun)
        assert watch.now().scenario == slot.scenario
        assert watch.now().place == f"{number + 1} of 4"
    assert sum(" begins: " in each for each in told) == len(plan.slots)
    assert sum(" ends: " in each for each in told) == len(plan.slots) - 1
    (line,) = watch.on(h.Process(name="run", did="ended early", said="the stop file"))
    assert line.endswith("run ended early: the stop file")
