"""Batches over real hosts: one that the gate refuses, and one that swallows everything."""

from __future__ import annotations

import time

import pytest

from commands.showing import Display
from commands.terms import Terms
from harness.batching import parse
from lab import breaking
from lab.entering import inside
from tests.lab import looking
from tests.lab.laptop import CONSUMER

pytestmark = pytest.mark.lab

CHANGED = {"alert_min_events": 40}
#: What the black hole is given, in seconds; and what the machine may take for everything.
ANSWERS_WITHIN_S, ALL_WITHIN_S = 3, 200


class AtTheGate(Display):
    """Shows nothing, remembers which hosts are gated together, and acts when one of them is."""

    def __init__(self, host, action):
        super().__init__(quiet=True)
        self.host, self.action, self.gated = host, action, []

    def mark(self, hosts, stage, text, note=""):
        if (stage, text) == ("gate", "proving"):
            self.gated.append(list(hosts))
            if self.host in self.gated[-1]:
                self.action()


def test_a_gate_that_refuses_one_host_of_the_second_batch_puts_both_batches_back(deployed):
    third, before, old = deployed.hosts[2], deployed.trees(), deployed.units()
    gate = AtTheGate("lab3", lambda: inside(third, "systemctl", "stop", CONSUMER))
    with deployed.wanting(CHANGED, {"lab3": {"gate_within_s": 3}}):
        outcome = deployed.deploys(gate, terms=Terms(parse("1,2")))
    assert (outcome.state, outcome.exit_code) == ("rolled_back", 1)
    assert outcome.hosts == dict.fromkeys(("lab1", "lab2", "lab3"), "rolled_back")
    assert outcome.document()["batches"] == [
        {"hosts": ["lab1"], "state": "rolled_back"},
        {"hosts": ["lab2", "lab3"], "state": "rolled_back"},
    ]
    assert any("lab3" in reason for reason in outcome.reasons)
    assert gate.gated == [["lab1"], ["lab2", "lab3"]]
    assert deployed.trees() == before
    for name, units in deployed.units().items():
        assert units[CONSUMER]["ActiveState"] == "active"
        assert units[CONSUMER]["InvocationID"] != old[name][CONSUMER]["InvocationID"]


def test_a_host_that_swallows_everything_is_left_out_by_its_deadline_and_the_others_are_done(
    deployed,
):
    third = deployed.hosts[2]
    before = looking.tree(third)
    on_hosts = {"lab3": {"reach_within_s": ANSWERS_WITHIN_S}}
    with deployed.wanting(CHANGED, on_hosts), breaking.silent(third):
        begun = time.monotonic()
        told = deployed.asks("deploy", "--serial", "1,2", "--max-fail", "1", code=1)
        assert time.monotonic() - begun < ALL_WITHIN_S
    assert told["state"] == "committed"
    assert told["hosts"] == {"lab1": "committed", "lab2": "committed", "lab3": "left_out"}
    assert told["left_out"]["lab3"]["cause"] == f"not connected after {ANSWERS_WITHIN_S} s"
    assert [batch["hosts"] for batch in told["batches"]] == [["lab1"], ["lab2"]]
    assert looking.tree(third) == before
