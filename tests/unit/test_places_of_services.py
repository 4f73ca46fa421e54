"""Where a run looks at the services of an inventory."""

from dataclasses import replace

from commands.choosing import choose
from commands.fault_system import places


def with_idle(host, **values):
    return replace(host, values={**host.values, **values})


def test_whoever_waits_least_may_take_over_first():
    (host,) = choose(None, "sandbox", "").hosts
    hosts = [
        with_idle(host, claim_idle_ms=7000),
        with_idle(host, claim_idle_ms=2000),
        with_idle(host),
    ]
    assert {each.claim_idle_ms for each in places([host])} == {5000}
    assert {each.claim_idle_ms for each in places(hosts[:1])} == {7000}
    assert {each.claim_idle_ms for each in places(hosts)} == {2000}
    assert len(places(hosts)) == len(places([host]))
