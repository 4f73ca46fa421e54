"""What an inventory must not say, each refused with file, line and key path."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import roles
from harness.errors import MISCONFIGURED, InventoryError
from harness.inventory.loading import Source, loads

SOURCE = Source("bad", "inventory/bad.yml", Path("/project"))
GOOD = "all:\n  vars:\n    mode: sandbox\n  hosts:\n    a:\n"


def host(line: str) -> str:
    return f"{GOOD}      {line}\n"


#: What is wrong -> (text, line, key path, words of the cause).
CASES = {
    "broken YAML": ("all: [1\n", 2, "", "no valid YAML"),
    "a tab": ("all:\n\thosts:\n", 2, "", "no valid YAML"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, "", "no valid YAML"),
    "no mapping": ("- all\n", 1, "", "must be a mapping"),
    "nothing in it": ("", 1, "all.hosts", "no host"),
    "no hosts": ("all: {vars: {mode: live}}\n", 1, "all.hosts", "no host"),
    "a key twice": (host("x: 1\n      x: 2"), 7, "all.hosts.a.x", "first in line 6"),
    "a host twice": (GOOD + "    a:\n", 6, "all.hosts.a", "there twice"),
    "a mistyped all": ("al: {hosts: {a: }}\n", 1, "al", 'did you mean "all"'),
    "a group without parts": (GOOD + "web: {a: 1}\n", 6, "web", "is no group"),
    "hosts at the top": (GOOD + "hosts: {a: }\n", 6, "hosts", "belongs below a group"),
    "mode at the top": (GOOD + "mode: live\n", 6, "mode", "is no group"),
    "a plugin": ("plugin: aws_ec2\n", 1, "plugin", "plugins are not supported"),
    "a mistyped part": ("all:\n  host: {a: }\n", 2, "all.host", 'did you mean "hosts"'),
    "hosts as a list": ("all:\n  hosts: [a]\n", 2, "all.hosts", "must be a mapping"),
    "a group of lists": ("all:\n  children:\n    web: [a]\n", 3, "all.children.web", "mapping"),
    "a name YAML reads as a number": ("all: {hosts: {10: }}\n", 1, "all.hosts.10", "in quotes"),
    "a name with a slash": (GOOD + "    a/b:\n", 6, "all.hosts.a/b", "is no name"),
    "a broken range": (GOOD + "    'a[3:1]':\n", 6, "all.hosts.a[3:1]", "ends before"),
    "uneven zeros": (GOOD + "    'a[01:100]':\n", 6, "all.hosts.a[01:100]", "digits"),
    "a huge range": (GOOD + "    'a[1:9999]':\n", 6, "all.hosts.a[1:9999]", "more than"),
    "a date": (host("x: 2026-01-01"), 6, "all.hosts.a.x", "quotes"),
    "Ansible Vault": (host("x: !vault abc"), 6, "all.hosts.a.x", "Vault"),
    "a template": (host("log_level: '{{ x }}'"), 6, "all.hosts.a.log_level", "not filled in"),
    "no mode": ("all:\n  hosts:\n    a:\n", 1, "all.vars.mode", "missing, for host a"),
    "a mistyped mode": (host("mode: testnt"), 6, "all.hosts.a.mode", 'did you mean "testnet"'),
    "mode as true": (host("mode: yes"), 6, "all.hosts.a.mode", "is no mode"),
    "two modes": (GOOD + "    b: {mode: live}\n", 6, "all.hosts.b.mode", "b has live"),
    "a port too high": (host("ansible_port: 70000"), 6, "all.hosts.a.ansible_port", "no port"),
    "a port in quotes": (host("ansible_port: '22'"), 6, "all.hosts.a.ansible_port", "no port"),
    "become as text": (host("ansible_become: 'no'"), 6, "all.hosts.a.ansible_become", "true or"),
    "an empty address": (host("ansible_host:"), 6, "all.hosts.a.ansible_host", "must be text"),
    "a mistyped ansible_host": (host("ansible_hots: b"), 6, "all.hosts.a.ansible_hots", "host"),
    "winrm": (host("ansible_connection: winrm"), 6, "all.hosts.a.ansible_connection", "winrm"),
    "a slip": (host("snapshot_intervl_s: 1"), 6, "all.hosts.a.snapshot_intervl_s",
               'did you mean "snapshot_interval_s"'),
    "a stranger": (host("colour: red"), 6, "all.hosts.a.colour", "no role understands"),
    "capitals": (host("REDIS_HOST: x"), 6, "all.hosts.a.REDIS_HOST", 'mean "redis_host"'),
    "a role as text": (host("roles: redis_server"), 6, "all.hosts.a.roles", "is a list"),
    "a mistyped absent role": (
        host("absent: [redis_sever]"), 6, "all.hosts.a.absent[0]", '"redis_server"',
    ),
    "a mistyped role": (host("roles: [redis_sever]"), 6, "all.hosts.a.roles[0]", '"redis_server"'),
    "a literal secret": (host("redis_password: hunter2"), 6, "all.hosts.a.redis_password", "env:"),
    "a secret as number": (host("redis_password: 123"), 6, "all.hosts.a.redis_password", "env:"),
    "an empty reference": (host("redis_password: 'env: '"), 6, "all.hosts.a.redis_password", ""),
    "a reference for what is no secret": (host("redis_host: env:H"), 6, "all.hosts.a.redis_host",
                                          "hold a secret"),
    "a secret in custom": (host("custom: {api_token: x}"), 6, "all.hosts.a.custom.api_token", ""),
    "a mapping": (host("redis_host: {a: b}"), 6, "all.hosts.a.redis_host", "mapping"),
    "no time": (host("ready_within_s: 0"), 6, "all.hosts.a.ready_within_s", "above 0"),
    "a root without local": (host("sandbox_root: x"), 6, "all.hosts.a.sandbox_root", "over SSH"),
    "two records": (GOOD + "    b: {records: x}\n", 6, "all.hosts.b.records", "one records"),
    "a group in itself": ("all: {children: {a: {children: {b: {children: {a: }}}}}}\n", 1, "all",
                          "a > b > a"),
    "all below a group": ("all: {children: {x: {children: {all: }}}}\n", 1,
                          "all.children.x.children.all", "above every group"),
    "one host, two values": (
        GOOD + "      redis_port: 1\n  children: {g: {hosts: {a: {redis_port: 2}}}}\n", 7,
        "all.children.g.hosts.a.redis_port", "another redis_port in line 6"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_file_line_and_key_path(name):
    text, line, path, words = CASES[name]
    with pytest.raises(InventoryError) as caught:
        loads(text, SOURCE, roles.variables(), frozenset(roles.REGISTRY))
    error = caught.value
    assert error.cause.startswith(f"inventory/bad.yml:{line}: {path}"), error.cause
    assert words in str(error)
    assert error.action
    assert error.step == "inventory"
    assert error.exit_code == MISCONFIGURED
    assert "hunter2" not in str(error)


def test_the_good_part_of_the_table_is_good():
    assert loads(GOOD, SOURCE, roles.variables(), frozenset(roles.REGISTRY)).mode == "sandbox"


@pytest.mark.parametrize("mode", ["testnet", "live"])
def test_only_a_sandbox_is_local(mode):
    text = f"all: {{vars: {{mode: {mode}}}, hosts: {{a: {{ansible_connection: local}}}}}}"
    with pytest.raises(InventoryError, match="only a sandbox is local"):
        loads(text, SOURCE)


def test_aliases_that_explode_are_refused():
    rows = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InventoryError, match="without end"):
        loads("\n".join(rows), SOURCE)


def test_an_alias_to_itself_is_refused():
    with pytest.raises(InventoryError, match="without end"):
        loads("all: &a {children: {b: *a}}", SOURCE)


def test_too_deep_is_refused_without_a_traceback():
    with pytest.raises(InventoryError, match="deeply"):
        loads("[" * 5000, SOURCE)


def refusal(text: str) -> str:
    """Return the cause, empty when the text loads; anything but InventoryError is raised on."""
    try:
        loads(text, SOURCE, roles.variables())
    except InventoryError as error:
        return error.cause
    return ""


WORDS = st.sampled_from(
    ["all", "hosts", "vars", "children", "mode", "sandbox", "roles", "a", "b[1:2]", "~", "yes",
     "ansible_port", "22", "redis_password", "env:X", "[", "]", "{", "}", ":", ",", "\n", "  ",
     "&x", "*x", "<<", "- ", "!vault", "'", '"', "#"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=30).map(" ".join))
def test_whatever_is_written_it_loads_or_is_refused_in_words(text):
    assert refusal(text).partition(":")[0] in {"", "inventory/bad.yml"}


@given(st.text(max_size=60))
def test_any_text_at_all_loads_or_is_refused_in_words(text):
    assert refusal(text).partition(":")[0] in {"", "inventory/bad.yml"}
