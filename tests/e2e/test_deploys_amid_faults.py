"""Deploy scenarios in small on a sandbox: real deploys, killed, doubled, broken, and judged."""

from __future__ import annotations

import threading

import pytest

from commands.choosing import choose
from commands.deploys_amid_faults import Deploys
from fault_injection.chance import Chance
from fault_injection.checkers import judge, judge_file
from fault_injection.deploys.acts import ACTS
from fault_injection.deploys.releases import NEW, OLD
from fault_injection.faults.fault import Aim, Target
from fault_injection.history import happenings as h
from fault_injection.history.reading import of_happenings, read
from fault_injection.history.writing import Writer
from fault_injection.scenarios import REGISTRY
from harness.errors import ConfigurationError
from harness.sandbox.host import shut_down
from tests.e2e.conftest import INVENTORY, free_port
from tests.oracles.scale import SOAK, sized
from tests.waiting import until

ENV = "etc/quantum/p35-decision-intelligence.env"
#: Half as much to start and to prove, and nobody waits a minute for what is not to come up.
LESS = {
    ", strategy_router, execution]": "]",
    "    redis_port": "    ready_within_s: 8\n    gate_within_s: 5\n    redis_port",
}
#: Laptops that are killed, one after the other.
KILLS = sized(1, 40)
#: A deploy and whatever was ordered for it, in seconds; seen: ten.
WITHIN_S = sized(240.0, 1_200.0)


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
        self.usual_s = 0.0
        self.releases = folder / "releases"
        self.releases.mkdir()

    def run(self, name, **more):
        return Run(self, name, **more)


class Run:
    """One scenario's run: its history, its deploys, and its fault as words of a seed."""

    def __init__(self, box, name, **more) -> None:
        self.box, self.name = box, name
        self.path = box.folder / f"{name}.jsonl"
        opening = h.Opening(
            tool="tests", version="1", seed=1, schedule="00", inventory="box", mode="sandbox",
            scenario=name,
        )  # fmt: skip
        self.writer = Writer.begin(self.path, opening)
        self.deploys = Deploys(
            box.chosen, box.releases, self.writer.write, usual_s=box.usual_s, **more
        )

    def fault(self, seed=1, **said):
        """Return the scenario's act; its words are drawn, but for what the test needs `said`."""
        (use,) = REGISTRY[self.name].uses
        target = Target(host="box", service="p35-decision-intelligence", unit="")
        (word,) = use.fault.words(Aim(target, Chance(seed), 30_000))
        return use.fault.name, ACTS[word["do"]]({**word, **said}, self.deploys.means)

    def stage(self, name, stage, said="", fault="f1"):
        self.writer.write(h.Fault(fault=fault, name=name, stage=stage, said=said))

    def steady(self, phase):
        well = all(self.deploys.stands.values())
        self.writer.write(h.Steady(phase=phase, well=well, said=str(self.deploys.stands)))

    def closed(self):
        self.writer.close()
        self.box.usual_s = self.deploys.usual_s
        return read(self.path)

    def meets(self, **said):
        """Have one deploy meet the fault, and the next one be well; returns the history."""
        self.deploys.look()
        self.steady(h.BEFORE)
        name, act = self.fault(**said)
        self.stage(name, h.PLANNED)
        self.stage(name, h.INJECTED, act.inject())
        while not act.observed():
            self.deploys.round()
        self.stage(name, h.OBSERVED, act.observed())
        act.undo()
        self.stage(name, h.UNDONE)
        self.deploys.round(self.other)
        self.stage(name, h.GONE, act.gone())
        self.steady(h.AFTER)
        return self.closed()

    @property
    def other(self):
        return NEW if set(self.deploys.stands.values()) == {OLD} else OLD


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    one = Box(tmp_path_factory.mktemp("box"))
    try:
        first = one.run("first")
        first.deploys.round(OLD)
        assert first.deploys.stands == {"box": OLD}
        first.closed()
        yield one
    finally:
        for host in one.chosen.hosts:
            shut_down(host)


def proved(history):
    judgement = judge(history)
    assert judgement.verdict.name == "proved", judgement.told()
    assert not history.damage
    return judgement.findings["all_old_or_all_new"].numbers


def ends(history):
    return [each.how for each in history.of(h.Ended)]


def test_a_laptop_killed_at_any_moment_leaves_all_old_or_all_new(box, record_property):
    """As the runner does it: the workload in a thread, the faults from outside."""
    run = box.run("deploy_laptop_killed")
    stop = threading.Event()
    working = threading.Thread(target=run.deploys.work, args=(stop,))
    run.steady(h.BEFORE)
    working.start()
    try:
        for number in range(KILLS):
            fault = f"f{number}"
            # of CI's one kill it is known that the hosts have been changed by then
            moment = {} if SOAK else {"at_percent": 70}
            name, act = run.fault(number, **moment)
            run.stage(name, h.PLANNED, fault=fault)
            run.stage(name, h.INJECTED, act.inject(), fault=fault)
            run.stage(name, h.OBSERVED, until(act.observed, WITHIN_S, "a kill"), fault=fault)
            act.undo()
            run.stage(name, h.UNDONE, fault=fault)
            run.stage(name, h.GONE, until(act.gone, WITHIN_S, "a deploy after it"), fault=fault)
    finally:
        stop.set()
        working.join()
    assert run.deploys.stands == {"box": OLD}
    run.steady(h.AFTER)
    history = run.closed()
    numbers = proved(history)
    killed = [each.op for each in history.of(h.Ended) if each.how == h.INFO]
    told = {each.op: each for each in history.of(h.Recorded) if each.by == h.LEDGER}
    journals = {each.op: each for each in history.of(h.Recorded) if each.by == h.JOURNALS}
    kept = [op for op in killed if "committed" in journals[op].hosts.values()]
    written = [op for op in killed if told[op].outcome]
    for name, count in (("kills", killed), ("kept", kept), ("written", written)):
        record_property(name, len(count))
    assert len(killed) == KILLS
    assert numbers["settled"] == numbers["deploys"] > KILLS


def test_of_two_deployers_one_is_told_and_the_other_release_stands_whole(box):
    history = box.run("deploy_by_two").meets(at_percent=25)
    numbers = proved(history)
    assert numbers["deploys"] >= 3
    assert any(", lock: " in each.why for each in history.of(h.Ended))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("deploy_never_ready", "did not get there within"),
        ("deploy_ready_then_crash", "quantum-p35-decision-intelligence.service"),
    ],
)
def test_a_broken_release_goes_back_and_the_next_one_comes(box, name, why):
    history = box.run(name).meets()
    assert proved(history) == {"deploys": 2, "settled": 2, "hosts": 1}
    assert ends(history) == [h.FAIL, h.OK]
    assert why in history.of(h.Ended)[0].why


def test_a_deployer_that_forgets_to_put_back_is_refuted(box):
    """What a unit that is refused brings is put back; here one file of it is not."""
    run = box.run("deploy_unit_refused", up_within_s=0.0)
    env = box.root / ENV

    def forget(*lines):
        run.writer.write(*lines)
        for each in lines:
            if isinstance(each, h.Ended) and each.how == h.FAIL:
                env.write_bytes(env.read_bytes() + b"# half a release\n")

    run.deploys._write = forget
    before = env.read_bytes()
    run.deploys.look()
    name, act = run.fault()
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
