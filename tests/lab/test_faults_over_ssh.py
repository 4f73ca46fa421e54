"""Faults on real units: seen to take effect, gone when their time is over, or at the next boot."""

from __future__ import annotations

import contextlib
import time

import pytest

from commands.choosing import choose
from harness.contact import reach_all
from harness.errors import AgentError
from harness.fingerprints import differences
from lab import breaking
from lab.entering import inside
from tests.lab.laptop import CONSUMER, write
from tests.waiting import until

pytestmark = pytest.mark.lab

ROUTER, EXECUTION = "quantum-ai-strategy-router.service", "quantum-execution@1.service"
UNITS = (CONSUMER, ROUTER, EXECUTION)
META = {"operator": "ada", "from": "elsewhere"}
#: Long enough to be looked at; what has to outlive its injector and the boot lasts far longer.
SHORT_S, LONG_S = 10.0, 600.0
#: A host does by itself what is overdue within this time; seen: a second.
BY_ITSELF_WITHIN_S = 120.0
FAULTS = {
    "frozen": {"do": "freeze", "unit": CONSUMER},
    "held": {"do": "held", "unit": ROUTER},
    "dressed": {
        "do": "dropin", "unit": EXECUTION, "restart": True,
        "lines": ["[Service]", "Environment=QUANTUM_TEST=1"],
    },
    "covered": {"do": "mount", "path": "/opt/quantum", "how": "read-only", "unit": EXECUTION},
    # not from Redis: what cannot come up without it would hold up the end of the others
    "parted": {"do": "nft", "rules": [{"hook": "output", "act": "drop", "dport": 6390}]},
}  # fmt: skip


class Broken:
    """A deployed host that may be broken, reached anew for whatever is asked of it."""

    def __init__(self, laptop) -> None:
        self.laptop, self.host = laptop, laptop.hosts[2]
        until_s = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        write(self.host, "/etc/quantum/faults-allowed", f"inventory=lab\nuntil={until_s}\n")
        inside(self.host, "chmod", "644", "/etc/quantum/faults-allowed")

    def asks(self, ask):
        chosen = choose(None, str(self.laptop.inventory), "lab3")
        with reach_all(chosen.hosts, lambda *_: None) as (contact,):
            return ask(contact.session)

    def arm(self, session, name, ttl_s):
        said = session.fault_arm(
            f"{name}-{ttl_s:.0f}",
            [FAULTS[name]],
            ttl_s=ttl_s,
            mode="sandbox",
            inventory="lab",
            meta=META,
        )
        assert all(each["on"] for each in said["observed"]), said

    def fingerprint(self):
        return self.asks(lambda session: session.fingerprint(paths=["/etc/quantum"], units=UNITS))

    def is_again(self, before):
        """Wait for units that are still coming up, then insist."""
        with contextlib.suppress(AssertionError):
            until(lambda: not differences(before, self.fingerprint()))
        assert differences(before, self.fingerprint()) == []

    def faults(self):
        return self.asks(lambda session: session.faults())


@pytest.fixture
def broken(deployed):
    broken = Broken(deployed)
    yield broken
    broken.asks(lambda session: session.fault_heal(meta=META))
    inside(broken.host, "rm", "-f", "/etc/quantum/faults-allowed")


def test_they_take_effect_on_real_units_and_go_when_their_time_is_over(broken):
    before = broken.fingerprint()

    def all_at_once(session):
        for name in FAULTS:
            broken.arm(session, name, SHORT_S)

    broken.asks(all_at_once)
    assert len(differences(before, broken.fingerprint())) >= len(FAULTS)
    until(lambda: not broken.faults(), BY_ITSELF_WITHIN_S, "the end of all faults")
    broken.is_again(before)
    assert broken.laptop.asks("drift")["hosts"]["lab3"] == []


def test_a_boot_heals_and_the_host_refuses_who_is_not_allowed(broken):
    before = broken.fingerprint()

    def all_at_once(session):
        for name in FAULTS:
            broken.arm(session, name, LONG_S)

    broken.asks(all_at_once)
    breaking.power_off(broken.host)
    breaking.power_on(broken.host)
    until(lambda: not broken.faults(), BY_ITSELF_WITHIN_S, "healing at boot")
    broken.is_again(before)

    inside(broken.host, "rm", "/etc/quantum/faults-allowed")
    with pytest.raises(AgentError, match="no faults on this host"):
        broken.asks(lambda session: broken.arm(session, "frozen", LONG_S))
