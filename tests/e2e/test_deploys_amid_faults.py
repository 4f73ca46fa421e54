"""Deploy scenarios in small on a sandbox: real deploys, killed, doubled, broken, and judged."""

from __future__ import annotations

from collections import Counter
from itertools import count
from types import SimpleNamespace

import pytest

from commands.choosing import choose
from commands.deploys_amid_faults import Deploys
from fault_injection.chance import Chance
from fault_injection.checkers import judge, judge_file
from fault_injection.deploys.acts import ACTS
from fault_injection.deploys.releases import OLD
from fault_injection.faults.fault import Aim, Target
from fault_injection.history import happenings as h
from fault_injection.history.reading import of_happenings, read
from fault_injection.history.writing import Writer
from fault_injection.scenarios import REGISTRY
from harness.errors import ConfigurationError
from harness.sandbox.host import shut_down
from tests.e2e.conftest import INVENTORY, free_port
from tests.oracles.scale import sized

ENV = "etc/quantum/p35-decision-intelligence.env"
#: Half as much to start and to prove, and nobody waits a minute for what is not to come up.
LESS = {
    ", strategy_router, execution]": "]",
    "    redis_port": "    ready_within_s: 8\n    gate_within_s: 5\n    redis_port",
}
#: Scenario -> what a deploy says that has met its fault.
SEEN = {
    "deploy_laptop_killed": "killed by signal 9",
    "deploy_by_two": ", lock: ",
    "deploy_never_ready": "did not get there within",
    "deploy_ready_then_crash": "box: ",
    "deploy_unit_refused": "not honoured here: ExecStart=",
}
#: In CI one run meets all of them but the last one, which is met below; full: each on its own.
TRIALS = sized(
    [tuple(SEEN)[:-1]],
    [("deploy_laptop_killed",) * 40, *((each,) * 3 for each in tuple(SEEN)[1:])],
)
#: Of CI's one kill it is known that the host has been changed by then, and of its two deployers
#: that both are there.
SAID = sized({"deploy_laptop_killed": {"at_percent": 70}, "deploy_by_two": {"at_percent": 25}}, {})
#: A moment may pass before it is met, since no deploy takes as long as another; but not for ever.
MOST_ROUNDS = 12


class Box:
    """A sandbox on which the old release stands, and its runs."""

    def __init__(self, folder) -> None:
        self.folder, self.root = folder, folder / "root"
        password = folder / "redis_password"
        password.touch(mode=0o600)
        password.write_text("correct-horse-battery")
        text = INVENTORY.format(port=free_port(), folder=folder)
        for one, other in LESS.items():
            text = text.replace(one, other)
        (folder / "box.yml").write_text(text)
        self.chosen = choose(None, str(folder / "box.yml"), "")
        self.usual_s, self.stands = 0.0, {}
        self.releases = folder / "releases"
        self.releases.mkdir()

    def run(self, name, **more):
        return Run(self, name, **more)


class Run:
    """One scenario's run: its history, its deploys, and its fault as words of a seed."""

    def __init__(self, box, name, **more) -> None:
        self.box = box
        self.path = box.folder / f"{name}.jsonl"
        opening = h.Opening(
            tool="tests", version="1", seed=1, schedule="00", inventory="box", mode="sandbox",
            scenario=name,
        )  # fmt: skip
        self.writer = Writer.begin(self.path, opening)
        self.deploys = Deploys(
            box.chosen, box.releases, self.writer.write, usual_s=box.usual_s, **more
        )

    def fault(self, scenario, seed):
        """Return a scenario's fault and its act; the words are drawn."""
        (use,) = REGISTRY[scenario].uses
        target = Target(host="box", service="p35-decision-intelligence", unit="")
        (word,) = use.fault.words(Aim(target, Chance(seed), 30_000))
        return use.fault.name, ACTS[word["do"]](
            {**word, **SAID.get(scenario, {})}, self.deploys.means
        )

    def stage(self, number, name, stage, said=""):
        self.writer.write(h.Fault(fault=f"f{number}", name=name, stage=stage, said=said))

    def closed(self):
        self.writer.close()
        self.box.usual_s = self.deploys.usual_s
        return read(self.path)

    def steady(self, phase):
        well = set(self.box.stands.values()) == {OLD}
        self.writer.write(h.Steady(phase=phase, well=well))

    def meets(self, *scenarios):
        """Have deploys meet the faults of these scenarios, one after the other; returns all of it.

        Stands for the runner, which looks between two rounds and not at any moment.
        """
        acts = [self.fault(name, number) for number, name in enumerate(scenarios)]
        seen, over = set(), set()

        def is_set():
            for number, (name, act) in enumerate(acts):
                if number not in seen and act.observed():
                    seen.add(number)
                    self.stage(number, name, h.OBSERVED, act.observed())
                    act.undo()
                    self.stage(number, name, h.UNDONE)
                if number not in over and act.gone():
                    over.add(number)
                    self.stage(number, name, h.GONE, act.gone())
            assert next(rounds) < MOST_ROUNDS * len(acts)
            return len(over) == len(acts)

        rounds = count()
        self.steady(h.BEFORE)
        for number, (name, act) in enumerate(acts):
            self.stage(number, name, h.PLANNED)
            self.stage(number, name, h.INJECTED, act.inject())
        self.deploys.work(SimpleNamespace(is_set=is_set))
        self.box.stands = self.deploys.stands
        self.steady(h.AFTER)
        return self.closed()


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    one = Box(tmp_path_factory.mktemp("box"))
    try:
        first = one.run("first")
        first.deploys.round(OLD)
        assert first.deploys.stands == {"box": OLD}
        first.closed()
        one.stands = first.deploys.stands
        yield one
    finally:
        for host in one.chosen.hosts:
            shut_down(host)


@pytest.mark.parametrize("scenarios", TRIALS, ids=lambda each: f"{len(each)} {each[0]}")
def test_whatever_befalls_a_deploy_all_old_or_all_new_stands(box, scenarios, record_property):
    run = box.run("-".join(dict.fromkeys(scenarios)))
    history = run.meets(*scenarios)
    assert run.deploys.stands == {"box": OLD}
    judgement = judge(history)
    assert judgement.verdict.name == "proved", judgement.told()
    numbers = judgement.findings["all_old_or_all_new"].numbers
    assert numbers["settled"] == numbers["deploys"] > len(scenarios)
    record_property("deploys", numbers["deploys"])
    whys = [each.why for each in history.of(h.Ended)]
    for scenario, times in Counter(scenarios).items():
        assert sum(SEEN[scenario] in why for why in whys) >= times
        record_property(scenario, times)


def test_a_deployer_that_forgets_to_put_back_is_refuted(box):
    """What a unit that is refused brings is put back; here one file of it is not."""
    run = box.run("forgotten", up_within_s=0.0)
    env = box.root / ENV

    def forget(*lines):
        run.writer.write(*lines)
        for each in lines:
            if isinstance(each, h.Ended) and each.how == h.FAIL:
                env.write_bytes(env.read_bytes() + b"# half a release\n")

    run.deploys._write = forget
    before = env.read_bytes()
    run.deploys.look()
    name, act = run.fault("deploy_unit_refused", 1)
    act.inject()
    run.deploys.round()
    assert "rolled_back" in act.observed()
    env.write_bytes(before)
    run.deploys.look()
    history = run.closed()
    finding = judge(history).findings["all_old_or_all_new"]
    assert finding.verdict.name == "refuted"
    (why,) = finding.reasons
    assert f"/{ENV}" in why
    assert "neither old nor new" in why
    # the same history without that look is whole: nothing else was wrong
    bad = next(each for each in history.of(h.Stands) if not each.release)
    kept = [each for each in history.happenings if each is not bad]
    assert judge(of_happenings(history.opening, kept)).findings[
        "all_old_or_all_new"
    ].verdict.name == "proved"  # fmt: skip
    assert judge_file(run.path).findings["all_old_or_all_new"] == finding
    assert name == "release_unit_refused"


def test_a_mode_that_wants_a_commit_is_refused(box, tmp_path):
    from dataclasses import replace

    from commands.choosing import Chosen

    other = Chosen(replace(box.chosen.inventory, mode="testnet"), box.chosen.hosts)
    with pytest.raises(ConfigurationError, match="only a sandbox"):
        Deploys(other, tmp_path, print)
    deploys = Deploys(box.chosen, tmp_path, print)
    with pytest.raises(ConfigurationError, match="no sshd leads to a sandbox"):
        deploys.means.cutter("box", 400)
    with pytest.raises(ConfigurationError, match="none of the chosen"):
        deploys.means.cutter("nobody", 400)
