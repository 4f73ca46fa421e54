"""Hosts x stage: a table that is redrawn on a terminal, a plain line per change in a pipe."""

import io

import pytest
from rich.console import Console

from commands.board import LEAST_ROWS, Board, chosen, table
from commands.showing import Display
from tests.fleets.conftest import NOTE


def drawn(rendered, width=80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(rendered)
    return out.getvalue()


def piped() -> tuple[Board, io.StringIO]:
    out = io.StringIO()
    return Board(Console(file=out, force_terminal=False), ["a", "b"]), out


def test_a_pipe_gets_one_plain_line_for_every_change_and_none_for_the_same_again():
    board, out = piped()
    board.start()
    board.mark("a", "batch", "1")
    board.mark("a", "apply", "1/2", "file /x")
    board.mark("a", "apply", "1/2", "file /x")
    board.mark("b", "apply", "1/2")
    board.mark("a", "end", "committed")
    board.stop()
    assert out.getvalue().splitlines() == [
        "a  batch 1", "a  apply 1/2  file /x", "b  apply 1/2", "a  end committed",
    ]  # fmt: skip
    assert "\x1b" not in out.getvalue()


def test_a_terminal_gets_a_table_with_a_row_per_host_and_no_lines():
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=30)
    board = Board(console, ["a", "b"])
    board.start()
    board.mark("b", "gate", "passed")
    board.caption("gate")
    board.stop()
    assert "b  gate passed" not in out.getvalue()
    assert "host" in out.getvalue()
    assert "passed" in out.getvalue()


def test_the_table_has_every_host_and_what_it_has_come_to():
    text = drawn(table({"a": {"batch": "1", "end": "committed"}, "b": {}}, "commit", 10))
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["host", "batch", "apply", "gate", "end"]
    assert ["a", "1", "committed"] in lines
    assert ["b"] in lines
    assert ["commit"] in lines


def test_what_does_not_fit_is_counted_and_those_at_work_are_shown_first():
    rows = {f"h{n:02}": {} for n in range(50)}
    rows["h40"] = {"apply": "1/2"}
    rows["h41"] = {"end": "in_doubt"}
    rows["h00"] = {"end": "committed"}
    assert chosen(rows, 3) == ["h01", "h40", "h41"]
    assert "and 47 more" in drawn(table(rows, "", 3))


@pytest.mark.parametrize("height", [1, 4, 24])
def test_a_low_terminal_still_shows_some_hosts(height):
    out = io.StringIO()
    board = Board(
        Console(file=out, force_terminal=True, width=80, height=height), map(str, range(60))
    )
    board.start()
    board.mark("59", "apply", "1/2")
    board.stop()
    assert out.getvalue().count("\n") >= LEAST_ROWS


def test_a_deploy_in_a_pipe_tells_each_change_of_each_host_once(fleet, capsys):
    fleet.grow(2)
    fleet.deploys("1", display=Display())
    lines = capsys.readouterr().out.splitlines()
    for host, batch in (("h01", "1"), ("h02", "2")):
        for stage, text in (
            ("batch", batch), ("apply", f"3/3  file {NOTE}"), ("apply", "applied"),
            ("gate", "proving"), ("gate", "passed"), ("end", "committed"),
        ):  # fmt: skip
            assert lines.count(f"{host}  {stage} {text}") == 1


def test_a_deploy_on_a_terminal_draws_the_table_and_json_draws_nothing(fleet, monkeypatch, capsys):
    fleet.grow(2)
    fleet.deploys("1", display=Display(quiet=True))
    assert capsys.readouterr().out == ""
    fleet.text = b"newer\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    with Display() as display:
        fleet.deploys("1", display=display)
    out = capsys.readouterr().out
    assert "h02  gate passed" not in out
    assert "batch" in out
    assert "committed: h01 committed, h02 committed" in out
