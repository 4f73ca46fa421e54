"""What a fault is refused for, and what becomes of one that is not seen to come or to go."""

import json

import pytest

from harness.errors import AgentError, InDoubtError
from tests.agent import grounds
from tests.agent.grounds import UNITS
from tests.agent.worlds import META

REFUSED = {
    "no step": ([{"do": "reboot"}], "a fault has no step 'reboot'"),
    "nothing": ([], "at least one step"),
    "unknown unit": ([grounds.freeze("ghost.service")], r"no unit ghost\.service"),
    "a stop": ([grounds.kill(signal="STOP")], "'STOP' is none of"),
    "no unit": ([{"do": "held"}], "a step 'held' without 'unit'"),
    "no port": ([grounds.nft({"hook": "input", "act": "drop"})], "a rule names a port"),
    "words for nft": (
        [grounds.nft({"hook": "input", "dport": 1, "from": "::1; flush ruleset", "act": "drop"})],
        "is no rule",
    ),
    "store": ([{"do": "mount", "path": "/var/lib/quantum-ops", "how": "full"}], "never covered"),
    "within it": (
        [{"do": "mount", "path": "/var/lib/quantum-ops/faults/tx", "how": "full"}],
        "never",
    ),
    "above it": ([{"do": "mount", "path": "/var", "how": "full"}], "never covered"),
    "same mode": ([grounds.mode(to=0o640)], "the mode 640 already"),
    "no file": ([grounds.mode("/etc/none")], "neither a file nor a folder"),
    "password": ([grounds.redis(config={"requirepass": "x"})], "not for a fault to change"),
    "no setting": ([grounds.redis(config={"no-such": "1"})], "has no setting 'no-such'"),
    "ourselves": ([grounds.redis(acl={"user": "default", "rules": ["off"]})], "has to stay"),
    "in clear": ([grounds.redis(acl={"user": "a", "rules": [">x"]})], "by its digest"),
    "too long": ([grounds.redis(pause={"ms": 10**6, "what": "all"})], "at most 60000"),
    "no redis": ([grounds.redis(config={"timeout": "1"}) | {"port": 1}], "Connection refused"),
    "no section": (
        [{"do": "dropin", "unit": UNITS[0], "lines": ["Environment=A=1"]}],
        r"begin with a \[Section\]",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_before_anything_is_armed(ground, case):
    steps, why = REFUSED[case]
    with pytest.raises(AgentError, match=why):
        ground.arm(ground.hand(), "refused", *([grounds.held(), *steps] if steps else ()))
    assert ground.state("refused") == ""
    assert ground.box.show("held.service")["active"] == "active"


def test_a_host_without_the_programs_or_the_rights_says_so(ground, another_agent):
    bare = ground.session(through=("setpriv", "--bounding-set", "-sys_admin,-net_admin"))
    with pytest.raises(AgentError, match="mounting needs root, with CAP_SYS_ADMIN"):
        ground.arm(bare, "bare", grounds.mount())
    with pytest.raises(AgentError, match=r"nft refuses it: .*Operation not permitted"):
        ground.arm(bare, "bare", grounds.nft())
    bare.close()
    another_agent("processes.py", "\nENVIRONMENT['PATH'] = '/nowhere'\n")
    without = ground.session()
    with pytest.raises(AgentError, match="this host has no nft"):
        ground.arm(without, "bare", grounds.nft())
    without.close()
    assert ground.state("bare") == ""


def test_what_is_not_seen_to_take_effect_is_undone_at_once(ground, another_agent):
    another_agent("step_mode.py", "\ndef do(machine, record): pass\n")
    session = ground.session()
    with pytest.raises(AgentError, match=r"not seen on: mode .*; everything was put back"):
        ground.arm(session, "unseen", grounds.held(), grounds.mode(), seen_within_s=0.2)
    assert ground.state("unseen") == "rolled_back"
    assert ground.box.show("held.service")["active"] == "active"
    session.close()


def test_what_is_not_seen_to_be_gone_stays_in_doubt_and_keeps_nothing_else_back(
    ground, another_agent, monkeypatch
):
    another_agent("step_mode.py", "\ndef undo(machine, record): raise OSError(5, 'stuck')\n")
    broken = ground.session()
    ground.arm(broken, "stuck", grounds.mode(), grounds.held())
    with pytest.raises(InDoubtError, match=r"mode /etc/quantum/some\.env: stuck"):
        broken.fault_undo("stuck", meta=META)
    assert ground.box.show("held.service")["active"] == "active"
    assert ground.state("stuck") == "undoing"
    assert json.loads(ground.switch("stuck").read_text())["retry_s"] > 0
    broken.close()
    monkeypatch.undo()
    session = ground.session()
    assert session.fault_heal(meta=META) == {"healed": ["stuck"]}
    assert (ground.root / grounds.MODE_OF.lstrip("/")).stat().st_mode & 0o777 == 0o640
    session.close()
