"""`invoke faults.list`, and the tables of docs/fault-days.md."""

import json

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import faults
from fault_injection.scenarios import REGISTRY, table

INVENTORY = """
all:
  vars: {{mode: {mode}, redis_host: {at}, roles: [redis_server, execution, strategy_router]{more}}}
  hosts: {{{hosts}}}
"""
HERE = "here: {ansible_connection: local, sandbox_root: root}"
THERE = "there: {ansible_host: 192.0.2.1}"


@pytest.fixture
def listed(tmp_path, capsys):
    """A function: what is printed for an inventory, "" for none."""

    def run(*, json_too=False, hosts="", mode="sandbox", at="127.0.0.1", more=""):
        path = tmp_path / "some.yml"
        path.write_text(INVENTORY.format(mode=mode, hosts=hosts, at=at, more=more))
        faults.list_scenarios(Context(), inventory=str(path) if hosts else "", json=json_too)
        return capsys.readouterr().out

    return run


def obstacles(said):
    return {each["name"]: each["obstacles"] for each in json.loads(said)["scenarios"]}


def test_without_an_inventory_every_scenario_is_one_line(listed):
    heading, *lines = listed().splitlines()
    assert heading.split("\t") == ["scenario", "family", "threatens", "runs on"]
    assert [line.split()[0] for line in lines] == list(REGISTRY)
    (line,) = [line for line in lines if line.startswith("cut_off_from_redis\t")]
    assert line.split("\t")[1:] == [
        "network", "duplicated, claims_from_the_dead, one_terminal_state, recovery", "lab",
    ]  # fmt: skip


def test_as_a_document_it_holds_all_that_is_known(listed):
    said = json.loads(listed(json_too=True))
    assert [each["name"] for each in said["scenarios"]] == list(REGISTRY)
    named = {each["name"]: each for each in said["scenarios"]}
    assert named["restart_mid_intent"]["faults"] == ["kill_at_failpoint"]
    assert "one_terminal_state" in named["restart_mid_intent"]["threatens"]
    assert all("obstacles" not in each for each in said["scenarios"])


def test_where_the_mode_is_live_nothing_can_run(listed):
    said = listed(hosts=THERE, mode="live")
    assert f"0 of {len(REGISTRY)} can run" in said
    assert "none: mode live" in said
    refused = obstacles(listed(hosts=THERE, mode="live", json_too=True))
    assert all(why == ["mode live: faults are for sandbox and testnet alone"]
               for why in refused.values())  # fmt: skip


def test_a_sandbox_has_no_network_mounts_and_users_of_its_own(listed):
    refused = obstacles(listed(hosts=HERE, json_too=True))
    assert "own" in refused["connections_reset"][0]
    assert "network of its own" in refused["deploy_cut_off"][0]
    assert "mounts of its own" in refused["deploy_on_full_disk"][0]
    assert "other users" in refused["releases_locked_at_restart"][0]
    assert "second unit" in refused["consumer_frozen"][0]
    assert refused["redis_paused"] == refused["restart_mid_intent"] == []
    assert refused["exchange_overloaded"] == refused["exchange_clock_off"] == []
    assert "no host runs p35-decision-intelligence" in refused["consumer_held"][0]
    said = listed(hosts=HERE)
    assert "  deploy_cut_off  cannot: packet rules need root and nft" in said


def test_what_an_inventory_says_of_its_redis_counts(listed):
    refused = obstacles(listed(hosts=THERE, at="localhost", json_too=True))
    assert "redis_host is a name" in refused["connections_reset"][0]
    assert "redis_acl" in refused["rights_revoked"][0]
    assert refused["deploy_cut_off"] == refused["deploy_on_full_disk"] == []
    assert "simulated exchange on the laptop" in refused["exchange_overloaded"][0]
    kept = ", redis_password: 'env:NO_SUCH_VARIABLE', redis_acl: true"
    refused = obstacles(listed(hosts=THERE, more=kept, json_too=True))
    assert refused["redis_full"] == refused["connections_reset"] == []
    two = obstacles(listed(hosts=THERE, more=", execution_instances: 2", json_too=True))
    assert two["consumer_frozen"] == []


def test_an_inventory_that_is_none_is_an_error_for_a_person(capsys):
    with pytest.raises(Exit) as said:
        faults.list_scenarios(Context(), inventory="no-such-inventory")
    assert said.value.code == 3
    assert "next:" in capsys.readouterr().err


def test_the_tables_of_the_document_are_todays():
    text = table.DOCUMENT.read_text()
    assert table.renewed(text) == text, "python -m fault_injection.scenarios.table writes them anew"
    old = text.replace("`duplicate_events`", "`another_name`")
    assert table.renewed(old) == text != old
    with pytest.raises(ValueError, match="markers"):
        table.renewed(text.replace(table.END.format("faults"), ""))
