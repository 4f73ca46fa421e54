"""Debian 12 and 13 side by side: one deploy, each host with a release of its own Python."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import hosts as lab
from lab.entering import inside
from lab.places import LabHost
from tests.lab import looking
from tests.lab.conftest import renew_where_something_is_left
from tests.lab.laptop import CONSUMER, REDIS, Laptop

pytestmark = pytest.mark.lab

#: Given to lab1, lab2 and lab3 in turn: every role runs on both, Redis on the newer.
SUITES = "trixie,bookworm"
WAS = {"lab1": "trixie", "lab2": "bookworm", "lab3": "trixie"}
ROUTER = "quantum-ai-strategy-router.service"
EXECUTION = "quantum-execution"
#: What systemd-analyze gives a sandboxed unit at the most: tenths.
EXPOSURE = 10
VERSIONS = """
. /etc/os-release
python3 -c 'import sys; print(sys.argv[1], *sys.version_info[:2])' "$VERSION_CODENAME"
systemctl --version | sed -n 's/^systemd \\([0-9]*\\).*/\\1/p'
redis-server --version | sed -n 's/.*v=\\([0-9]*\\).*/\\1/p'
"""


@pytest.fixture(scope="module")
def fleet(lab_hosts, tmp_path_factory) -> Iterator[Laptop]:
    """A laptop whose inventory is of two releases of Debian; the usual lab stands again after."""
    hosts = lab.up(suite=SUITES)
    renew_where_something_is_left(hosts, SUITES)
    one = Laptop(tmp_path_factory.mktemp("laptop"), hosts)
    one.password.touch(mode=0o600)
    one.password.write_text("correct-horse-battery")
    one.write_inventory()
    yield one
    lab.up()


def test_one_deploy_of_both_is_proved_repeats_as_nothing_and_goes_back_to_the_byte(fleet):
    assert {host.name: versions(host) for host in fleet.hosts} == {
        "lab1": ["trixie", "3", "13", "257", "8"],
        "lab2": ["bookworm", "3", "11", "252", "7"],
        "lab3": ["trixie", "3", "13", "257", "8"],
    }
    before = fleet.trees()

    assert fleet.asks("deploy")["hosts"] == dict.fromkeys(WAS, "committed")
    running = fleet.units()
    assert {each[CONSUMER]["ActiveState"] for each in running.values()} == {"active"}
    assert running["lab1"][REDIS]["UnitFileState"] == "enabled"
    releases = {host.name: release_of(host, running) for host in fleet.hosts}
    assert releases["lab1"] == releases["lab3"] != releases["lab2"]
    for host in fleet.hosts:
        accepts_and_confines(host)

    assert "zero changes on 3 hosts" in fleet.types("deploy").stdout
    assert fleet.asks("proof")["verdict"] == "proved"
    assert fleet.units() == running

    assert fleet.asks("rollback", "--yes")["hosts"] == dict.fromkeys(WAS, "rolled_back")
    assert fleet.trees() == before
    assert "3 records verified" in fleet.types("ledger.verify").stdout


def versions(host: LabHost) -> list[str]:
    """Return the host's suite, Python, systemd and Redis, as it tells them itself."""
    return inside(host, "sh", "-c", VERSIONS).stdout.decode().split()


def release_of(host: LabHost, units: dict) -> str:
    return looking.folder_of(host, units[host.name][CONSUMER]["MainPID"]).rpartition("/")[2]


def accepts_and_confines(host: LabHost) -> None:
    """The host's own systemd finds nothing wrong with our units, and them confined enough."""
    listing = inside(host, "sh", "-c", "ls /etc/systemd/system/quantum-*.service").stdout.decode()
    paths = listing.split()
    assert paths
    said = inside(host, "systemd-analyze", "verify", "--man=no", *paths)
    assert (said.stdout, said.stderr) == (b"", b"")
    for path in paths:
        name = path.rpartition("/")[2]
        inside(host, "systemd-analyze", "security", "--no-pager", f"--threshold={EXPOSURE}", name)
