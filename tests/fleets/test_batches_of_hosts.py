"""A deploy in batches over real agents: what a refused gate leaves, and who is left out."""

import pytest

from harness.errors import ConfigurationError, DriftError, QuantumError, UnreachableError
from harness.host import Host


def test_without_serial_all_hosts_are_one_batch_and_one_gate(fleet):
    fleet.grow(3)
    outcome = fleet.deploys()
    assert (outcome.state, outcome.exit_code) == ("committed", 0)
    assert fleet.gated == [["h01", "h02", "h03"]]
    assert outcome.document()["batches"] == [{"hosts": ["h01", "h02", "h03"], "state": "committed"}]
    assert fleet.deploys().state == "unchanged"


def test_a_batch_begins_only_when_the_one_before_has_passed_its_gate(fleet):
    fleet.grow(6)
    seen = []
    fleet.at_the_gate = lambda _: seen.append(fleet.changed())
    outcome = fleet.deploys("1,2")
    assert outcome.state == "committed"
    assert fleet.gated == [["h01"], ["h02", "h03"], ["h04", "h05"], ["h06"]]
    assert [len(changed) for changed in seen] == [1, 3, 5, 6]


def test_nothing_is_committed_before_the_last_gate_has_passed(fleet):
    fleet.grow(3)
    seen = []
    fleet.at_the_gate = lambda _: seen.append([fleet.pasts(name) for name in fleet.worlds])
    assert fleet.deploys("1").state == "committed"
    assert seen[-1] == [["applied"]] * 3
    assert [fleet.pasts(name) for name in fleet.worlds] == [["committed"]] * 3


def test_a_refused_gate_puts_every_batch_back_and_begins_no_other(fleet):
    fleet.grow(4)
    fleet.refused = {"h03"}
    outcome = fleet.deploys("1,2,1")
    assert (outcome.state, outcome.exit_code) == ("rolled_back", 1)
    assert dict(outcome.hosts) == {
        "h01": "rolled_back", "h02": "rolled_back", "h03": "rolled_back", "h04": "untouched",
    }  # fmt: skip
    assert fleet.changed() == []
    assert fleet.pasts("h01") == ["rolled_back"]
    assert fleet.pasts("h04") == []
    told = fleet.last_record()
    assert told["outcome"] == "rolled_back"
    assert told["batches"] == [
        {"hosts": ["h01"], "state": "rolled_back"},
        {"hosts": ["h02", "h03"], "state": "rolled_back"},
    ]


def test_with_commit_per_batch_only_the_refused_batch_goes_back(fleet):
    fleet.grow(4)
    fleet.refused = {"h03"}
    outcome = fleet.deploys("1,2,1", per_batch=True)
    assert (outcome.state, outcome.exit_code) == ("partly_committed", 1)
    assert dict(outcome.hosts) == {
        "h01": "committed", "h02": "rolled_back", "h03": "rolled_back", "h04": "untouched",
    }  # fmt: skip
    assert fleet.changed() == ["h01"]
    told = fleet.last_record()
    assert told["outcome"] == "partly_committed"
    assert [batch["state"] for batch in told["batches"]] == ["committed", "rolled_back"]
    fleet.refused = set()
    assert fleet.deploys("1", per_batch=True).state == "committed"
    assert fleet.changed() == ["h01", "h02", "h03", "h04"]


def test_a_step_that_fails_on_one_host_puts_its_batch_and_those_before_back(fleet):
    fleet.grow(3)
    fleet.at_the_gate = lambda _: fleet.worlds["h03"].write("/etc/quantum/fleet", "in the way")
    outcome = fleet.deploys("2,1", max_fail=1)
    assert (outcome.state, outcome.exit_code) == ("rolled_back", 1)
    assert fleet.changed() == []
    assert any("h03" in reason for reason in outcome.reasons)
    assert not outcome.left_out


def test_the_laptop_interrupted_between_batches_records_what_stays(fleet):
    fleet.grow(2)

    def interrupt(names):
        if names == ["h02"]:
            raise KeyboardInterrupt

    fleet.at_the_gate = interrupt
    with pytest.raises(KeyboardInterrupt):
        fleet.deploys("1", per_batch=True)
    assert fleet.changed() == ["h01"]
    told = fleet.last_record()
    assert told["outcome"] == "in_doubt"
    assert told["states"] == {"h01": "committed", "h02": "in_doubt"}


def test_a_host_lost_while_it_is_held_stops_the_rest_and_is_in_doubt_until_the_next_deploy(fleet):
    fleet.grow(3)
    fleet.at_the_gate = lambda names: names == ["h02"] and fleet.kill_agent("h01")
    outcome = fleet.deploys("1")
    assert (outcome.state, outcome.exit_code) == ("in_doubt", 2)
    assert fleet.gated == [["h01"], ["h02"]]
    assert dict(outcome.hosts) == {"h01": "in_doubt", "h02": "rolled_back", "h03": "untouched"}
    assert any("the agent ended" in each or "ended with -9" in each for each in outcome.reasons)
    fleet.at_the_gate = lambda _names: None
    assert fleet.deploys("1").state == "committed"
    assert fleet.pasts("h01") == ["committed", "rolled_back"]


# --- who is left out -------------------------------------------------------------------------


def nobody(port: int = 1) -> Host:
    """A host at which nobody listens."""
    return Host("h99", "fleet", "sandbox", (), address="127.0.0.1", port=port)


def test_a_host_that_does_not_answer_ends_a_deploy_before_any_change(fleet):
    fleet.grow(2)
    fleet.others = [nobody()]
    with pytest.raises(UnreachableError, match="refused"):
        fleet.deploys()
    assert [fleet.pasts(name) for name in fleet.worlds] == [[], []]


def test_up_to_max_fail_hosts_are_left_out_told_of_and_the_rest_go_on(fleet):
    fleet.grow(2)
    fleet.others = [nobody()]
    outcome = fleet.deploys("1", max_fail=1)
    assert (outcome.state, outcome.exit_code) == ("committed", 1)
    assert dict(outcome.hosts) == {"h01": "committed", "h02": "committed", "h99": "left_out"}
    assert "refused" in fleet.last_record()["left_out"]["h99"]["cause"]
    again = fleet.deploys("1", max_fail=1)
    assert (again.state, again.exit_code) == ("unchanged", 1)


def test_one_more_than_max_fail_is_too_many(fleet):
    fleet.grow(1)
    fleet.others = [nobody(), Host("h98", "fleet", "sandbox", (), address="127.0.0.1", port=1)]
    with pytest.raises(UnreachableError, match="than --max-fail 1 allows") as caught:
        fleet.deploys(max_fail=1)
    assert "h98" in str(caught.value)
    assert "h99" in str(caught.value)
    assert fleet.pasts("h01") == []


def test_a_drifted_host_is_left_out_with_exit_2(fleet):
    fleet.grow(2)
    fleet.deploys()
    fleet.worlds["h01"].write("/etc/quantum/fleet/note", "by hand\n", mode=0o640)
    fleet.text = b"newer\n"
    with pytest.raises(DriftError):
        fleet.deploys()
    outcome = fleet.deploys(max_fail=1)
    assert (outcome.state, outcome.exit_code) == ("committed", 2)
    assert fleet.note("h01") == b"by hand\n"
    assert fleet.note("h02") == b"newer\n"
    assert fleet.last_record()["left_out"]["h01"]["kind"] == "DriftError"


def test_a_host_lost_before_its_batch_is_left_out_and_the_next_takes_the_canarys_place(fleet):
    fleet.grow(4)
    fleet.at_the_gate = lambda names: names == ["h01"] and fleet.kill_agent("h02")
    outcome = fleet.deploys("1,1,2", max_fail=1)
    assert (outcome.state, outcome.exit_code) == ("committed", 1)
    assert fleet.gated == [["h01"], ["h03"], ["h04"]]
    assert outcome.hosts["h02"] == "left_out"
    assert fleet.pasts("h02") == []


@pytest.mark.parametrize(("per_batch", "kept"), [(False, []), (True, ["h01"])])
def test_too_many_lost_before_their_batch_change_nothing_in_it(fleet, per_batch, kept):
    fleet.grow(4)
    fleet.at_the_gate = lambda _: [fleet.kill_agent(name) for name in ("h02", "h03")]
    outcome = fleet.deploys("1,3", max_fail=1, per_batch=per_batch)
    assert outcome.exit_code == 1
    assert outcome.state == ("partly_committed" if per_batch else "rolled_back")
    assert fleet.changed() == kept
    assert [fleet.pasts(name) for name in ("h02", "h03", "h04")] == [[], [], []]
    assert any("than --max-fail 1 allows" in reason for reason in outcome.reasons)


def test_max_fail_counts_over_the_whole_run(fleet):
    fleet.grow(2)
    fleet.others = [nobody()]
    fleet.at_the_gate = lambda _: fleet.kill_agent("h02")
    outcome = fleet.deploys("1", max_fail=1)
    assert (outcome.state, outcome.exit_code) == ("rolled_back", 1)
    assert fleet.changed() == []
    assert list(outcome.left_out) == ["h99"]


def test_what_is_wrong_at_home_is_no_hosts_failure(fleet):
    fleet.grow(2)

    def broken(host, _facts, _sources, _only):
        raise ConfigurationError("a template is broken", host=host.name)

    fleet.monkeypatch.setattr("commands.transactions.wanted", broken)
    with pytest.raises(QuantumError, match="a template is broken") as caught:
        fleet.deploys(max_fail=2)
    assert caught.value.exit_code == 3
