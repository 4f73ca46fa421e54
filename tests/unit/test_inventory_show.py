"""invoke inventory.show tells what holds for a host, and no secret."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from invoke.exceptions import Exit

from commands.inventory import show

TEXT = """
all:
  vars:
    mode: testnet
    redis_host: 10.0.0.1
    redis_password: env:QUANTUM_TEST_PASSWORD
    ansible_become_method: sudo
  children:
    redis: {vars: {roles: [redis_server]}, hosts: {db1: {ansible_host: 10.0.0.1}}}
    web: {hosts: {web1: {ansible_user: ops, ansible_port: 2222}}}
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTUM_TEST_PASSWORD", "hunter2")
    file = tmp_path / "mine.yml"
    file.write_text(TEXT)
    return str(file)


def shown(capsys, path: str, **how) -> str:
    show.body(SimpleNamespace(config={"inventory": path}), **how)
    return capsys.readouterr().out


def test_every_host_is_one_plain_line_in_a_pipe(capsys, path):
    lines = shown(capsys, path).splitlines()
    assert "db1  10.0.0.1  redis_server  redis" in lines
    assert "web1  ops@web1:2222  -  web" in lines
    assert any(line.split() == ["mode", "testnet"] for line in lines)


def test_what_is_ignored_is_named(capsys, path):
    assert "ansible_become_method" in shown(capsys, path)


def test_one_host_is_shown_with_variables_and_the_defaults_of_its_roles(capsys, path):
    out = shown(capsys, path, host="db1")
    assert "redis_host: 10.0.0.1" in out
    assert "redis_port: 6379 (default)" in out
    assert "web1" not in out


@pytest.mark.parametrize("how", [{}, {"host": "db1"}, {"json": True}])
def test_a_secret_is_shown_as_its_reference_alone(capsys, path, how):
    out = shown(capsys, path, **how)
    assert "hunter2" not in out
    assert ("env:QUANTUM_TEST_PASSWORD" in out) is bool(how)


def test_json_is_one_document(capsys, path):
    document = json.loads(shown(capsys, path, json=True))
    assert document["mode"] == "testnet"
    assert list(document["hosts"]) == ["db1", "web1"]
    assert document["hosts"]["db1"]["values"]["redis_password"] == "env:QUANTUM_TEST_PASSWORD"
    assert document["hosts"]["db1"]["defaults"]["redis_port"] == 6379


def test_an_unknown_host_ends_with_the_code_for_misconfiguration(capsys, path):
    with pytest.raises(Exit) as caught:
        show.body(SimpleNamespace(config={"inventory": path}), host="bd1")
    assert caught.value.code == 3
    assert 'did you mean "db1"' in capsys.readouterr().err
