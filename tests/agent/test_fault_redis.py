"""What is changed in a Redis comes back on every kind of server that we support."""

import pytest

from harness.agent import step_redis
from harness.agent.machine import Machine
from harness.agent.supervisor import Supervisor
from tests.servers import server, shared_server  # noqa: F401 - fixtures

HERE = Machine("", Supervisor(""))
USER = "on #" + "cd" * 32 + " ~a:* ~b:* &c:* +@read -get (+set ~k) (%R~only +get)"
STEPS = {
    "setting": {"config": {"maxmemory": "3mb", "maxmemory-policy": "allkeys-lru"}},
    "known user": {"acl": {"user": "known", "rules": ["off", "resetpass", "+@all"]}},
    "no sanitising": {"acl": {"user": "known", "rules": ["skip-sanitize-payload", "nopass"]}},
    "unknown user": {"acl": {"user": "unknown", "rules": ["on", "nopass"]}},
    "no writes": {"pause": {"ms": 60_000, "what": "write"}},
    "nothing": {"pause": {"ms": 900, "what": "all"}},
}


def everything(client):
    return [step_redis.words_of(line) for line in client.acl_list()], client.config_get("*")


@pytest.mark.parametrize("case", STEPS)
def test_it_is_seen_and_it_is_gone_after_an_undo_or_two(server, case):  # noqa: F811
    client = server.client()
    client.execute_command("ACL", "SETUSER", "known", "reset", *step_redis.words_of(USER))
    before = everything(client)
    step = {"do": "redis", "port": server.port, **STEPS[case]}
    step_redis.refuse(HERE, step)
    (record,) = step_redis.records(HERE, step, "t")
    step_redis.undo(HERE, record)  # it was never done
    assert step_redis.observe(HERE, record)["gone"]
    step_redis.do(HERE, record)
    seen = step_redis.observe(HERE, record)
    assert (seen["on"], seen["gone"]) == (True, False)
    for _ in range(2):
        step_redis.undo(HERE, record)
        assert step_redis.observe(HERE, record)["gone"]
    assert everything(client) == before
    client.acl_deluser("known")
