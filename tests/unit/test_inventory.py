"""An inventory of Ansible's shape becomes hosts, with Ansible's precedence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import roles
from harness.errors import InventoryError
from harness.inventory import load
from harness.inventory.inventory import FOLDER
from harness.inventory.loading import Source, loads
from harness.inventory.secret_references import SecretReference

SOURCE = Source("test", "inventory/test.yml", Path("/project"))


def hosts(text: str, **how) -> dict:
    return {host.name: host for host in loads(text, SOURCE, **how).hosts}


def test_a_host_has_what_ansible_would_give_it():
    host = hosts("""
all:
  vars: {mode: testnet, ansible_user: ops, ansible_become: yes}
  hosts:
    db1:
      ansible_host: 10.0.0.1
      ansible_port: 2222
      ansible_ssh_private_key_file: ~/.ssh/key
      known_hosts: keys/known_hosts
""")["db1"]
    assert (host.address, host.port, host.user, host.become) == ("10.0.0.1", 2222, "ops", True)
    assert host.private_key == Path("~/.ssh/key").expanduser()
    assert host.known_hosts == Path("/project/keys/known_hosts")
    assert (host.mode, host.inventory, host.sandbox) == ("testnet", "test", None)
    assert host.groups == ("all", "ungrouped")


def test_a_host_without_any_variable_is_reached_by_its_name():
    host = hosts("all: {vars: {mode: live}, hosts: {db1.example.org: }}")["db1.example.org"]
    assert (host.address, host.port, host.user) == ("db1.example.org", 22, None)


PRECEDENCE = """
all:
  vars: {mode: sandbox, at_all: all, at_parent: all, at_child: all, at_host: all}
  children:
    parent:
      vars: {at_parent: parent, at_child: parent, at_host: parent}
      children:
        child:
          vars: {at_child: child, at_host: child}
          hosts:
            a: {at_host: host}
"""


@pytest.mark.parametrize("where", ["all", "parent", "child", "host"])
def test_the_nearer_layer_wins(where):
    assert hosts(PRECEDENCE)["a"].values[f"at_{where}"] == where


def test_depth_beats_the_order_of_the_file_and_of_the_alphabet():
    """Ansible: a group is as deep as its longest way from `all`."""
    host = hosts("""
all:
  vars: {mode: sandbox}
  children:
    outer: {children: {aaa: {hosts: {h: }, vars: {x: deep}}}}
    zzz: {hosts: {h: }, vars: {x: shallow}}
""")["h"]
    assert host.values["x"] == "deep"


def test_at_the_same_depth_the_later_name_wins_unless_a_priority_says_otherwise():
    text = """
all:
  vars: {{mode: sandbox}}
  children:
    b: {{hosts: {{h: }}, vars: {{x: b}}}}
    a: {{hosts: {{h: }}, vars: {{x: a{0}}}}}
"""
    assert hosts(text.format(""))["h"].values["x"] == "b"
    assert hosts(text.format(", ansible_group_priority: 5"))["h"].values["x"] == "a"


def test_roles_add_up_over_groups_and_the_host_without_repeats():
    host = hosts("""
all:
  vars: {mode: sandbox, roles: [base]}
  children:
    redis: {hosts: {h: }, vars: {roles: [redis_server, base]}}
    analytics: {hosts: {h: {roles: [extra, redis_server]}}, vars: {roles: [analytics]}}
""")["h"]
    assert host.roles == ("base", "redis_server", "analytics", "extra")


def test_an_absent_role_beats_its_groups_and_adds_up_like_roles():
    found = hosts("""
all:
  vars: {mode: sandbox}
  children:
    trading: {vars: {roles: [router, execution, redis]}, hosts: {a: , b: {absent: [execution]}}}
    old: {vars: {absent: [redis]}, hosts: {b: }}
""")
    assert (found["a"].roles, found["a"].absent) == (("router", "execution", "redis"), ())
    assert (found["b"].roles, found["b"].absent) == (("router",), ("redis", "execution"))
    assert "absent" not in found["b"].values


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("lab[1:3]", ["lab1", "lab2", "lab3"]),
        ("lab[08:10]", ["lab08", "lab09", "lab10"]),
        ("db-[a:c].x", ["db-a.x", "db-b.x", "db-c.x"]),
        ("w[1:9:4]", ["w1", "w5", "w9"]),
        ("r[1:2]n[a:b]", ["r1na", "r1nb", "r2na", "r2nb"]),
    ],
)
def test_ranges_unfold(pattern, names):
    found = hosts(f"all: {{vars: {{mode: sandbox}}, hosts: {{'{pattern}': {{x: 1}}}}}}")
    assert list(found) == names
    assert all(host.values["x"] == 1 for host in found.values())


EXISTING = """
---
all:
  vars:
    mode: live
    ansible_python_interpreter: /usr/bin/python3
    ansible_ssh_common_args: -o ProxyJump=bastion
  children:
    web:
      hosts:
        web[01:02].example.org:
        shared:
          ansible_ssh_host: 10.0.0.9
      vars: &common
        ansible_ssh_user: deploy
        ansible_become_user: root
    db:
      hosts: {shared: , db1: }
      vars:
        <<: *common
metrics:
  hosts:
    db1:
empty:
"""


def test_an_existing_ansible_inventory_loads():
    found = loads(EXISTING, SOURCE, roles.variables(), frozenset(roles.REGISTRY))
    names = {host.name: host for host in found.hosts}
    assert list(names) == ["web01.example.org", "web02.example.org", "shared", "db1"]
    assert names["shared"].address == "10.0.0.9"
    assert names["db1"].user == "deploy"
    assert names["db1"].groups == ("all", "db", "metrics")
    assert found.ignored == (
        "ansible_become_user", "ansible_python_interpreter", "ansible_ssh_common_args",
    )  # fmt: skip


def test_a_local_host_is_a_directory_of_this_machine():
    text = "all: {{vars: {{mode: sandbox}}, hosts: {{here: {{ansible_connection: local{0}}}}}}}"
    assert hosts(text.format(""))["here"].sandbox == Path("/project/.sandbox/root")
    chosen = hosts(text.format(", sandbox_root: /tmp/x"))["here"]
    assert chosen.sandbox == Path("/tmp/x")
    assert "sandbox_root" not in chosen.values


def test_secrets_stay_references_until_they_are_needed():
    text = "all: {vars: {mode: live, redis_password: 'env:PW'}, hosts: {a: }}"
    value = hosts(text)["a"].values["redis_password"]
    assert value == SecretReference("env", "PW")
    assert str(value) == "env:PW"


def test_variables_of_ones_own_go_below_custom():
    text = "all: {vars: {mode: live, custom: {rack: 7, tags: [a, b]}}, hosts: {a: }}"
    host = hosts(text, known=frozenset())["a"]
    assert host.values["custom"] == {"rack": 7, "tags": ["a", "b"]}


def test_records_may_lie_elsewhere():
    text = "all: {{vars: {{mode: live{0}}}, hosts: {{a: }}}}"
    assert loads(text.format(""), SOURCE).records == Path("/project/records")
    assert loads(text.format(", records: /srv/r"), SOURCE).records == Path("/srv/r")


def test_a_file_is_loaded_by_path_and_digested(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text("all: {vars: {mode: sandbox}, hosts: {a: }}")
    found = load(str(path))
    assert (found.name, found.mode, found.path) == ("mine", "sandbox", path)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.hosts[0].inventory == str(path), "what -i takes to mean it again"


def test_every_shipped_inventory_loads_with_the_roles_there_are():
    names = sorted(path.stem for path in FOLDER.glob("*.yml"))
    assert {"lab", "production.example"} <= set(names)
    for name in names:
        found = load(name, roles.variables(), frozenset(roles.REGISTRY))
        assert found.hosts, name
        assert all(host.roles for host in found.hosts), name


def test_the_example_is_what_it_says():
    found = load("production.example", roles.variables(), frozenset(roles.REGISTRY))
    assert found.mode == "testnet"
    store, first, second = found.hosts
    assert store.roles == ("redis_server", "decision_intelligence")
    assert (first.address, first.port, second.port) == ("10.20.0.21", 22, 2222)
    assert store.values["snapshot_interval_s"] == 30
    assert first.values["snapshot_interval_s"] == 60


def test_an_unknown_name_suggests_one_there_is():
    with pytest.raises(InventoryError, match='did you mean "lab"') as caught:
        load("labb")
    assert caught.value.action


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "x.yml"
    path.write_bytes(b"all: \xff")
    with pytest.raises(InventoryError, match="UTF-8"):
        load(str(path))
