"""Units started, stopped and restarted by hand: what is told, what is refused, who waits."""

import contextlib
import threading

import pytest

from harness.errors import AgentError, LockedError, QuantumError
from tests.agent.worlds import META, NEW_UNIT, OLD_UNIT, UNIT, UNIT_PATH, file, settle
from tests.waiting import until


def operate(session, verb, unit=UNIT):
    return session.operate(verb, [unit], meta=META, wait_s=5)


def test_each_verb_does_what_it_says_and_tells_before_and_after(world):
    world.write(UNIT_PATH, OLD_UNIT)
    session = world.session()
    said = operate(session, "start")
    assert (said["before"][UNIT]["active"], said["after"][UNIT]["active"]) == ("inactive", "active")
    first = said["after"][UNIT]["invocation"]
    again = operate(session, "restart")["after"][UNIT]
    assert again["active"] == "active"
    assert again["invocation"] != first
    assert operate(session, "stop")["after"][UNIT]["active"] == "inactive"
    assert said["cause"] == ""


def test_a_unit_that_does_not_come_up_is_an_answer_with_its_cause(world):
    world.write(UNIT_PATH, OLD_UNIT + "ExecStart=/bin/false\n")
    said = operate(world.session(), "start")
    assert said["after"][UNIT]["active"] != "active"
    assert said["cause"]


def test_a_unit_that_is_not_there_and_a_verb_that_is_none_are_refused(world):
    session = world.session()
    with pytest.raises(AgentError, match=r"there is no unit ghost\.service"):
        operate(session, "start", "ghost.service")
    with pytest.raises(AgentError, match="are not made to 'reboot'"):
        operate(session, "reboot")


def test_while_a_deploy_goes_on_nobody_else_touches_its_units(world):
    world.write(UNIT_PATH, OLD_UNIT)
    world.services.start(UNIT)
    deploying = world.session()
    world.apply(deploying, [file(UNIT_PATH, NEW_UNIT), settle()])
    with pytest.raises(LockedError):
        operate(world.session(), "stop")
    with pytest.raises(AgentError, match="neither committed nor rolled back"):
        operate(deploying, "stop")
    assert world.services.show(UNIT)["active"] == "active"


def test_logs_come_line_by_line_named_by_their_unit(world):
    world.write("/var/log/journal/a.service.log", "one\ntwo\nthree\n")
    world.write("/var/log/journal/b.service.log", "four\n")
    session = world.session()
    session.logs(["a.service", "b.service", "never.service"], lines=2)
    assert [(line["unit"], line["text"]) for line in world.events if line["event"] == "log"] == [
        ("a.service", "two"), ("a.service", "three"), ("b.service", "four"),
    ]  # fmt: skip
    with pytest.raises(AgentError, match="looks up no times"):
        session.logs(["a.service"], lines=2, since="today")


def test_lines_of_the_sandbox_have_the_time_that_they_tell(world):
    at = '{"timestamp": "2026-01-01T00:00:%02d.500000Z", "event": "%s"}\n'
    world.write("/var/log/journal/a.service.log", at % (1, "one") + "a traceback\n" + "no time\n")
    world.write("/var/log/journal/b.service.log", "before any time\n" + at % (3, "two"))
    world.session().logs(["a.service", "b.service"], lines=10)
    first, third = 1_767_225_601_500_000, 1_767_225_603_500_000
    told = [line["at_us"] for line in world.events if line["event"] == "log"]
    assert told == [first, first, first, 0, third]


def test_following_brings_lines_until_the_laptop_leaves(world):
    path = world.write("/var/log/journal/a.service.log", "past\n")
    session = world.session()

    def ask():
        with contextlib.suppress(QuantumError):
            session.logs(["a.service", "not-there-yet.service"], lines=1, follow=True)

    asking = threading.Thread(target=ask)
    asking.start()
    heard = lambda: [line["text"] for line in world.events if line["event"] == "log"]  # noqa: E731
    until(lambda: heard() == ["past"])
    with path.open("a") as file:
        file.write("present\n")
    until(lambda: heard() == ["past", "present"])
    world.write("/var/log/journal/not-there-yet.service.log", "late\n")
    until(lambda: heard() == ["past", "present", "late"])
    session.close(deadline_s=30)
    assert world.process(session).wait(30) == 0
    asking.join(30)
    assert not asking.is_alive()
