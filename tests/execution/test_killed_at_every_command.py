"""The oracle: execution broken at every command, to Redis and to the exchange, in every way.

After it another one comes, of the same name or not. Then each identity has one end, or is UNKNOWN
out loud; each order was filled once at most; nothing is lost, nothing is left pending.
"""

import dataclasses
import random

import pytest

from consumers.execution import FAILPOINTS
from consumers.trading.machine import Machine
from consumers.trading.recording import Records, Step
from streams import intents
from streams.outcomes import Outcome
from tests.execution import desk
from tests.execution.story import fed, judge, judge_paper, run
from tests.killing import EVERY_WAY, KILL_AFTER, KILL_BEFORE
from tests.oracles.scale import SOAK

#: How many of a server's breaks a normal run takes.
SAMPLE = {"redis": 8, "embedded": 4, "redis8": 4}
#: What the exchange does wrong meanwhile.
WRONGS = ("unknown_after_fill", "unknown_before_fill", "closed_after_effect", "late_request",
          "closed_before_effect", "bad_gateway_after_fill")  # fmt: skip


def breaks(count, seed, sample):
    every = [(number, how) for number in range(1, count + 1) for how in EVERY_WAY]
    return every if SOAK else random.Random(seed).sample(every, min(sample, len(every)))


def test_a_day_without_breaks_ends_as_it_should(server, simulator, binance, clock):
    trap, day = run(server, binance, clock, {}, simulator=simulator)
    assert judge(server, simulator, day) == []
    assert {"begin", "finish", "watch", "keep", "exchange.place"} <= set(trap.visited)


def test_every_failpoint_is_passed(server, simulator, binance, clock):
    passed = set()
    server.client().xadd(desk.STREAM, desk.wanted(trace_id="skipped"))
    made, _ = desk.trading(server, binance, clock=clock, START_AT="new")
    made = dataclasses.replace(made, failpoint=passed.add)
    work = desk.work(made, binance, clock)
    assert work.held() == ""
    for fields, _ in fed():
        server.client().xadd(desk.STREAM, fields)
    desk.settle(made, work)
    assert passed == set(FAILPOINTS)


@pytest.mark.parametrize("heir", ["one", "two"])
def test_broken_at_any_command_the_day_ends_the_same(server, simulator, binance, clock, heir):
    run(server, binance, clock, {}, simulator=simulator)  # a new server is asked twice for a script
    trap, _ = run(server, binance, clock, {}, simulator=simulator)
    wrong, sprung = [], 0
    for number, how in breaks(len(trap.visited), heir, SAMPLE[server.kind]):
        broken, day = run(server, binance, clock, {number: how}, simulator=simulator, heir=heir)
        sprung += bool(broken.sprung)
        wrong += [(number, how, broken.sprung, each) for each in judge(server, simulator, day)]
    assert wrong == []
    assert sprung > 3


def test_on_paper_it_does_so_too_and_what_takes_many_at_once_is_no_less_careful(server, clock):
    wrong = []
    trap, day = run(server, None, clock, {})
    assert judge_paper(server, day) == []
    for number, how in breaks(len(trap.visited), "paper", 5 * SAMPLE[server.kind]):
        broken, day = run(server, None, clock, {number: how}, heir="two")
        wrong += [(number, how, broken.sprung, each) for each in judge_paper(server, day)]
    assert wrong == []


def test_it_does_so_too_where_the_exchange_fails_meanwhile(server, simulator, binance, clock):
    wrong = []
    for number, how in breaks(60, "wrong", SAMPLE[server.kind]):
        fault = WRONGS[number % len(WRONGS)]
        broken, day = run(
            server, binance, clock, {number: how}, simulator=simulator, heir="two", wrong=fault
        )
        wrong += [(fault, number, how, broken.sprung, each)
                  for each in judge(server, simulator, day)]  # fmt: skip
    assert wrong == []


# Each of these is refuted by the same oracle, at the commands around the order of the first intent.


def send_again_at_once(self, trade, *_, **__):
    self._again(trade)


def acknowledge_before_the_effect(self, steps, begin=Records.begin):
    answers = begin(self, steps)
    for step in steps:
        self._client.xack(desk.STREAM, desk.GROUP, step.of["stream_id"])
    return answers


def send_before_the_record(self, trade):
    report = self._asker.ask("place", trade.order)
    step = Step("SUBMITTING", trade.of, trade.epoch, trade.order, trade.believed)
    self._records.begin([step])
    found = intents.FILLED if report.filled else intents.FAILED
    outcome = Outcome(found, "", "", report.filled, report.average_price, report.exchange_order_id)
    self._ender.end(trade.of, trade.epoch, outcome)


BROKEN = {
    "resubmits without asking": (Machine, "_until_settled", send_again_at_once),
    "acknowledges before the effect": (Records, "begin", acknowledge_before_the_effect),
    "sends before it has written so": (Machine, "_send", send_before_the_record),
}


@pytest.mark.parametrize("variant", BROKEN)
def test_the_oracle_refutes_one_that(server, simulator, binance, clock, monkeypatch, variant):
    monkeypatch.setattr(*BROKEN[variant])
    run(server, binance, clock, {}, simulator=simulator)  # the scripts are known from here on
    trap, _ = run(server, binance, clock, {}, simulator=simulator)
    around = ("begin", "exchange.place", "finish")
    first = [number for number, name in enumerate(trap.visited[:24], start=1) if name in around]

    def found(number, how):
        try:
            _, day = run(server, binance, clock, {number: how}, simulator=simulator)
        except AssertionError as error:
            return [str(error)]  # it never came to rest
        return judge(server, simulator, day)

    assert any(found(number, how) for number in first for how in (KILL_AFTER, KILL_BEFORE))


def test_the_oracle_refutes_one_that_does_not_wait_for_the_window(
    server, simulator, binance, clock, monkeypatch
):
    _, day = run(server, binance, clock, {}, simulator=simulator, wrong="late_request")
    assert judge(server, simulator, day) == []
    made = Machine.__init__

    def impatient(self, *words):
        made(self, *words)
        self._lands_within_ms = self._over_within_ms = 0

    monkeypatch.setattr(Machine, "__init__", impatient)
    _, day = run(server, binance, clock, {}, simulator=simulator, wrong="late_request")
    assert any("filled 2 times" in each for each in judge(server, simulator, day))
