"""Every fault of the exchange under a real executor, gathered and judged; and a broken one."""

from fault_injection.exchange_simulator.child import started
from fault_injection.exchange_simulator.steering import look
from fault_injection.faults import REGISTRY
from fault_injection.workloads.decision_made import PRICES
from proofs.finding import Verdict
from roles.execution import MADE_UP
from tests.exchange_acts.running import Day
from tests.execution.desk import TRADING

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
