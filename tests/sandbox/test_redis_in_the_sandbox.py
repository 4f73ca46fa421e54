"""The embedded server runs under Debian's unit with a password, an AOF and an honest READY."""

from __future__ import annotations

import socket

import pytest
import redis

UNIT = "redis-server.service"
CONFIG = """\
bind 127.0.0.1 -::1
port {port}
requirepass "pass word"
dir .
appendonly yes
appendfsync always
save ""
logfile ""
"""


@pytest.fixture
def port(box) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found = probe.getsockname()[1]
    box.write("etc/redis/redis.conf", CONFIG.format(port=found))
    box.write(f"etc/systemd/system/{UNIT}.d/q.conf", "[Service]\nWorkingDirectory=/var/lib/redis\n")
    return found


def test_it_asks_for_its_password_and_keeps_what_it_acknowledged(box, port):
    assert box.do("start", UNIT) == {"ok": True}
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()
    with redis.Redis(port=port, password="pass word") as client:
        client.xadd("s", {"a": "b"})
    box.do("kill", UNIT, signal="KILL")
    box.becomes(UNIT, active="active", restarts=1)
    with redis.Redis(port=port, password="pass word") as client:
        assert client.xlen("s") == 1
        assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert (box.root / "var/lib/redis/appendonlydir").is_dir()


def test_a_port_that_another_has_is_no_ready(box, port):
    other = box.write("lib/systemd/system/other.service", "")
    text = (box.root / f"lib/systemd/system/{UNIT}").read_text()
    other.write_text(text + "\n[Service]\nWorkingDirectory=/var/lib/other\nRestart=no\n")
    (box.root / "var/lib/other").mkdir()
    box.do("start", UNIT)
    refused = box.do("start", "other.service")
    assert "failed" in refused["error"]
    assert box.show("other.service")["active"] == "failed"
    assert box.show(UNIT)["active"] == "active"


def test_without_its_configuration_it_fails_and_says_so(box):
    refused = box.do("start", UNIT)
    assert "failed" in refused["error"]
    assert f"'{box.root}/etc/redis/redis.conf'" in box.log(UNIT)
