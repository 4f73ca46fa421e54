"""The servers are what they are called; 6.2 is refused; nothing newer than 7.0 is used anywhere."""

import re

import pytest

from tests.consumers.running import ROOT, until_counted
from tests.servers import started

#: Every consumer there is: a new one is found by itself.
CONSUMERS = sorted(
    path.stem for path in (ROOT / "consumers").glob("*.py") if path.stem != "__init__"
)
SOURCES = sorted(
    str(path.relative_to(ROOT))
    for top in ("streams", "consumers")
    for path in (ROOT / top).rglob("*")
    if path.suffix in {".lua", ".py"}
)
#: Words of commands and options that came after 7.0. They may only be used where a probe found
#: them, and with the same results without: whoever does that takes its words out of here and says
#: in a test of its own that both ways end alike.
NEWER = (
    "HEXPIRE", "HPEXPIRE", "HGETEX", "HSETEX", "HGETDEL", "HTTL", "XACKDEL", "XDELEX", "XCFGSET",
    "IDMP", "IDMPAUTO", "XNACK", "DELREF", "KEEPREF", "ACKED", "CLAIM", "DELEX", "DIGEST", "MSETEX",
    "IFEQ", "IFNE", "IFDEQ", "IFDNE", "DELIFEQ",
)  # fmt: skip
CALL = re.compile(r"redis\.p?call\(\s*'([A-Za-z]+)'(?:,\s*'([A-Z]+)')?")


@pytest.mark.parametrize(
    ("kind", "says"), [("redis", "Redis 7"), ("embedded", "Valkey 9"), ("redis8", "Redis 8")]
)
def test_the_servers_are_what_they_are_called(shared_server, kind, says):
    if shared_server.kind == kind:
        assert shared_server.version().startswith(says)


def test_no_foreign_module_is_loaded(client):
    names = {dict(each)["name"] for each in client.module_list()}
    # what Redis 8 and Valkey 9 build in
    assert names <= {"vectorset", "lua"}


@pytest.mark.parametrize("name", CONSUMERS)
def test_redis_6_2_is_refused_with_one_clear_line(old_redis, consumer, name):
    # as everybody's user: 6.2 knows no rules like those of a service's own
    running = consumer(old_redis.port, module=f"consumers.{name}", REDIS_USERNAME="")
    assert running.ended() == 3
    said = running.log.read_text().splitlines()
    assert len(said) == 1, said
    version = old_redis.client().info("server")["redis_version"]
    assert version.startswith("6.2")
    assert f"Redis {version} is too old: Redis 7.0 or newer, or Valkey, is needed" in said[0]


def commands_in(path):
    """Return the commands and subcommands that a script calls by their names."""
    return set(CALL.findall(path.read_text()))


@pytest.fixture(scope="module")
def known_to_7_0():
    for server in started("redis"):
        assert server.version().startswith("Redis 7.0")
        yield set(server.client().command_list())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "streams/scripts").glob("*.lua")), ids=lambda p: p.stem
)
def test_a_script_calls_what_redis_7_0_knows(known_to_7_0, path):
    for command, sub in commands_in(path):
        assert command.lower() in known_to_7_0
        has_subs = any(each.startswith(f"{command.lower()}|") for each in known_to_7_0)
        assert not has_subs or f"{command.lower()}|{sub.lower()}" in known_to_7_0


def newer_words(text):
    """Return the words of newer commands among a source's quoted words."""
    return set(re.findall(r"['\"]([A-Z]{4,})['\"]", text)) & set(NEWER)


@pytest.mark.parametrize("name", SOURCES)
def test_no_word_of_a_newer_command_is_used(name):
    assert not newer_words((ROOT / name).read_text())


def test_a_newer_command_would_be_seen():
    assert newer_words("redis.call('XREADGROUP', 'GROUP', group, me, 'CLAIM', 100)") == {"CLAIM"}
    assert newer_words('client.execute_command("HEXPIRE", key, 60)') == {"HEXPIRE"}


def test_what_a_consumer_calls_on_a_newer_server_redis_7_0_knows_too(
    client, known_to_7_0, fleet, produce
):
    client.config_resetstat()
    feeder = produce(11, 2_000)
    sound = fleet(names=["host-1", "host-2"])
    feeder.start()
    feeder.finish()
    until_counted(client, len(feeder.ids))
    sound.ready().stop()
    called = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
    assert {"xreadgroup", "xack", "evalsha"} <= called
    # redis-py's own, whose refusal it does not mind
    assert called - {"client|setinfo"} <= known_to_7_0
