"""Nobody comes back: the network, the agent or the power is gone, and the hosts go back alone."""

from __future__ import annotations

import json

import pytest

from harness.links import way as connection
from lab import breaking
from lab import hosts as lab
from lab.entering import inside, leader
from tests.lab import looking
from tests.lab.laptop import CONSUMER, read
from tests.lab.test_bad_days_over_ssh import Watching
from tests.waiting import until

pytestmark = pytest.mark.lab

#: How long a host waits for the confirm here, and for a lost host the laptop, in seconds.
SHORT = {"confirm_within_s": 6, "reach_within_s": 5, "gate_within_s": 2}
BY_ITSELF_WITHIN_S = 120.0
#: In the host's own namespace: nothing comes in, nothing goes out, and nobody is told.
DEAF = """
table inet quantum_test_deaf {
  chain in { type filter hook input priority 0; policy drop; iifname "lo" accept; }
  chain out { type filter hook output priority 0; policy drop; oifname "lo" accept; }
}
"""
#: Whatever could be left of a switch: what runs or waits, and files.
TRACES = (
    "systemctl list-units --plain --no-legend 'quantum-ops-*';"
    " ls -d /etc/systemd/system/quantum-ops-* /etc/systemd/system/*/quantum-ops-*"
    " /run/systemd/transient/quantum-ops-* /var/lib/quantum-ops/tx/*/switch.json 2>/dev/null; :"
)


@pytest.fixture
def hosts(laptop):
    """Three hosts that never had a deploy; whatever a test took from them is given back."""
    for host in laptop.hosts:
        if looking.transactions(host):
            lab.renew(host)
    yield laptop.hosts
    inside(laptop.hosts[0], "nft", "delete", "table", "inet", "quantum_test_deaf", check=False)
    if leader(laptop.hosts[2]) is None:
        breaking.power_on(laptop.hosts[2])


def traces(host):
    return inside(host, "sh", "-c", TRACES).stdout.decode()


def test_cut_off_killed_and_without_power_on_the_first_deploy_ever(laptop, hosts, monkeypatch):
    monkeypatch.setattr(connection, "KEEPALIVE_S", 1)
    monkeypatch.setattr(connection, "UNACKNOWLEDGED_S", 1)
    deaf, killed, dark = hosts
    before = laptop.trees()
    armed = {}

    def a_bad_day():
        armed.update({host.name: traces(host) for host in hosts})
        inside(deaf, "nft", "-f", "-", stdin=DEAF.encode())
        agent = json.loads(read(killed, "/var/lib/quantum-ops/lock"))["pid"]
        inside(killed, "kill", "-KILL", str(agent))
        breaking.power_off(dark)

    with laptop.wanting(SHORT):
        outcome = laptop.deploys(Watching("gate", a_bad_day))
    assert (outcome.state, outcome.exit_code) == ("in_doubt", 2)
    for said in armed.values():
        for what in ("quantum-ops-switch-", "basic.target.wants/quantum-ops-recover-"):
            assert what in said
    breaking.power_on(dark)
    for host in hosts:
        until(
            lambda host=host: looking.transactions(host) == ["rolled_back"],
            BY_ITSELF_WITHIN_S,
            f"{host.name} going back by itself",
        )
        until(lambda host=host: not traces(host), what=f"no trace on {host.name}: {traces(host)}")
        assert looking.tree(host) == before[host.name]
        assert looking.units(host, (CONSUMER,))[CONSUMER]["ActiveState"] == "inactive"
