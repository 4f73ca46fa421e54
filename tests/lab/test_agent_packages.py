"""Packages on a real Debian host: added, kept and named, and what they bring is respected."""

import hashlib

import pytest

from harness.bootstrap import command
from harness.links.ssh import connect
from harness.session import Session
from lab.entering import inside

pytestmark = pytest.mark.lab

#: Stands in front of the real apt-get and answers its one request from a local archive.
APT = """#!/bin/sh
for last; do :; done
[ "$last" = quantum-agent-test ] && exec dpkg -i /root/quantum-agent-test.deb
exit 100
"""
BUILD = """set -e
mkdir -p /root/p/DEBIAN /root/p/etc
printf 'Package: quantum-agent-test\\nVersion: 1.2\\nArchitecture: all\\n\
Maintainer: n <n@localhost>\\nDescription: t\\n' > /root/p/DEBIAN/control
echo shipped > /root/p/etc/quantum-agent-test.conf
dpkg-deb --build /root/p /root/quantum-agent-test.deb
"""
CONF = "/etc/quantum-agent-test.conf"


@pytest.fixture
def debian(lab_hosts, as_host):
    """A host with a package at hand, and a session on it."""
    target = lab_hosts[1]
    inside(target, "sh", "-c", BUILD)
    inside(target, "sh", "-c", "cat > /usr/local/sbin/apt-get", stdin=APT.encode())
    inside(target, "chmod", "755", "/usr/local/sbin/apt-get")
    link = connect(as_host(target))
    process = link.exec(command(become=True))
    session = Session(process.stdin, process.stdout, host="lab", explain=process.explain)
    session.hello(root="/", services="systemd")
    yield target, session
    session.close()
    link.close()
    inside(target, "dpkg", "--purge", "quantum-agent-test")
    gone = (CONF, "/root/p", "/root/quantum-agent-test.deb", "/usr/local/sbin/apt-get")
    inside(target, "rm", "-rf", "/var/lib/quantum-ops", *gone)


def test_a_package_is_kept_and_its_own_file_comes_back(debian):
    target, session = debian
    asked = {"paths": {CONF: None}, "packages": ["quantum-agent-test", "python3"]}
    seen = session.observe(**asked)
    assert seen["packages"]["quantum-agent-test"] is None
    assert seen["packages"]["python3"].startswith("3.")
    sha256 = hashlib.sha256(b"ours\n").hexdigest()
    steps = [
        {"do": "package", "name": "quantum-agent-test"},
        {"do": "file", "path": CONF, "blob": sha256, "sha256": sha256, "mode": 0o640,
         "owner": "root", "group": "root", "before": seen["paths"][CONF]},
    ]  # fmt: skip
    session.apply("p1", kind="deploy", meta={}, steps=steps, blobs={sha256: b"ours\n"})
    session.commit("p1")
    assert session.observe(**asked)["packages"]["quantum-agent-test"] == "1.2"
    undone = session.rollback()["undone"]
    assert undone[0]["kept"] == ["quantum-agent-test"]
    assert inside(target, "cat", CONF).stdout == b"shipped\n"
