"""The sshd of a deploy's session is killed amid the upload: all old, and the next one is well."""

import pytest

from commands.choosing import choose
from commands.deploys_amid_faults import Deploys
from fault_injection.chance import Chance
from fault_injection.checkers import judge
from fault_injection.deploys.acts import ACTS
from fault_injection.deploys.releases import FRESH, NEW, OLD
from fault_injection.faults.fault import Aim, Target
from fault_injection.history import happenings as h
from fault_injection.history.reading import read
from fault_injection.history.writing import Writer
from fault_injection.scenarios import REGISTRY
from tests.lab.laptop import CONSUMER
from tests.waiting import until

pytestmark = pytest.mark.lab

#: Redis and the analytics: one host is enough, and quicker than three.
ONE = "lab1"
OPENING = h.Opening(
    tool="tests", version="1", seed=1, schedule="00", inventory="lab", mode="sandbox",
    scenario="deploy_sshd_killed",
)  # fmt: skip
#: Whoever watches on the host tells at once whom it has killed, in seconds.
TOLD_WITHIN_S = 10.0


def test_a_session_that_dies_amid_the_upload_leaves_all_old(laptop, tmp_path):
    chosen = choose(None, str(laptop.inventory), ONE)
    (use,) = REGISTRY["deploy_sshd_killed"].uses
    target = Target(host=ONE, service="p35-decision-intelligence", unit=CONSUMER)
    (word,) = use.fault.words(Aim(target, Chance(1), 30_000))
    (tmp_path / "releases").mkdir()
    path = tmp_path / "history.jsonl"
    with Writer.begin(path, OPENING) as writer:
        deploys = Deploys(chosen, tmp_path / "releases", writer.write, limit=ONE)
        act = ACTS[word["do"]](word, deploys.means)

        def stage(which, said=""):
            fault = h.Fault(fault="f1", name="kill_sshd", stage=which, target=ONE, said=said)
            writer.write(fault)

        deploys.look()
        deploys.round(OLD)
        assert deploys.stands == {ONE: OLD}
        writer.write(h.Steady(phase=h.BEFORE, well=True))
        stage(h.PLANNED)
        stage(h.INJECTED, act.inject())
        try:
            deploys.round()
            assert deploys.stands == {ONE: OLD}
            stage(h.OBSERVED, until(act.observed, TOLD_WITHIN_S, "a killed sshd"))
        finally:
            act.undo()
        stage(h.UNDONE)
        deploys.round()
        assert deploys.stands == {ONE: NEW}
        stage(h.GONE, act.gone())
        writer.write(h.Steady(phase=h.AFTER, well=True))
        writer.close()
    history = read(path)
    judgement = judge(history)
    assert judgement.verdict.name == "proved", judgement.told()
    assert judgement.findings["all_old_or_all_new"].numbers["settled"] == 3
    first, cut, last = history.of(h.Ended)
    assert (first.how, last.how) == (h.OK, h.OK)
    assert cut.how != h.OK
    wants = {each.op: each.wants for each in history.of(h.Invoked)}
    assert wants[cut.op].startswith(FRESH)
