"""Every fault of the exchange under a real executor, gathered and judged; and a broken one."""

import pytest

from consumers.trading.machine import Machine
from fault_injection.exchange_simulator.child import started
from fault_injection.exchange_simulator.steering import look
from fault_injection.faults import REGISTRY
from fault_injection.workloads.decision_made import PRICES
from proofs.finding import Verdict
from roles.execution import MADE_UP
from streams import intents, keys
from streams.outcomes import Outcome
from tests.exchange_acts.running import Day, refuting
from tests.execution.desk import TRADING, settle, trading
from tests.execution.test_killed_at_every_command import send_again_at_once

#: What waits for what, as short as it can be where nothing is far away.
SETTINGS = TRADING | {
    "EXCHANGE": "binance_futures", "EXCHANGE_TIMEOUT_S": "1", "ORDER_FOLLOW_S": "0.5",
    "CLOCK_SKEW_MS": "100", "BREAKER_OPEN_S": "0.5", "MAX_DELIVERIES": "1000",
    **{name.upper(): value for name, value in MADE_UP.items()},
}  # fmt: skip
FAULTS = [each for each in REGISTRY.values() if each.family == "exchange"]


def test_whatever_the_exchange_does_a_correct_executor_is_proved(own_redis, consumer):
    with started(PRICES) as url:
        day = Day(own_redis.client(), url, lambda: look(url, "log")["calls"])

        def executor():
            words = SETTINGS | {"EXCHANGE_URL": url}
            return consumer(own_redis.port, module="consumers.execution", **words).ready()

        running = [executor()]

        def another():
            running[-1].kill()
            # nobody waits for the end of a heartbeat here
            own_redis.client().delete(keys.heartbeat(intents.GROUP_EXECUTION, "host-1"))
            running.append(executor())

        day.feed()
        day.rest()
        day.sample()
        for fault in FAULTS:
            day.breaks(fault, amid=another if fault.name == "withhold_answers" else None)
        day.feed()
        day.rest()
        found = day.judged()
    wrong = {name: each for name, each in found.findings.items()
             if each.verdict is not Verdict.proved}  # fmt: skip
    assert wrong == {}
    asked = {"asked_before_resubmitting", "filled_means_filled", "duplicated", "not_vacuous"}
    assert asked <= set(found.findings)
    assert found.findings["duplicated"].numbers["submitted_again"] > 0


#: What an executor must ask after: the order is there, and it is not told.
NEVER_TOLD = ("unknown_after_fill", "bad_gateway_after_fill", "closed_after_effect")


def traded(server, simulator, binance, clock, way):
    """Return what is found of three intents, the first of which is never told to be filled."""
    made, work = trading(server, binance, clock=clock)
    day = Day(server.client(), simulator.url, simulator.calls)
    simulator.misbehave(way, on="entry")
    day.feed()
    settle(made, work)
    return day.judged()


@pytest.mark.parametrize("way", NEVER_TOLD)
def test_who_sends_again_without_asking_is_refuted(
    server, simulator, binance, clock, monkeypatch, way
):
    monkeypatch.setattr(Machine, "_until_settled", send_again_at_once)
    found = traded(server, simulator, binance, clock, way)
    assert refuting(found) >= {"asked_before_resubmitting", "duplicated"}
    assert found.findings["duplicated"].numbers["identities"] == ["t1"]


def test_who_takes_no_answer_for_a_no_is_refuted(server, simulator, binance, clock, monkeypatch):
    def give_up(self, trade, *_, **__):
        self._ender.end(trade.of, trade.epoch, Outcome(intents.FAILED, "no answer"))

    monkeypatch.setattr(Machine, "_until_settled", give_up)
    found = traded(server, simulator, binance, clock, NEVER_TOLD[0])
    assert refuting(found) == {"filled_means_filled"}


@pytest.mark.parametrize("way", NEVER_TOLD)
def test_who_asks_is_not(server, simulator, binance, clock, way):
    found = traded(server, simulator, binance, clock, way)
    assert refuting(found) == set()
    assert found.findings["asked_before_resubmitting"].verdict is Verdict.proved
