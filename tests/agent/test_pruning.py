"""What is forgotten is never what a promised rollback needs, whatever happened in which order."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agent import boundaries, manifest, pruning, releases, rolling_back, transaction
from harness.agent import store as stores
from harness.agent.failing import AgentError
from harness.agent.machine import Machine
from harness.agent.states import observe
from tests.agent.worlds import META, digest, file, folder, link, release, tree
from tests.oracles.scale import sized

UNIT = "/etc/systemd/system/quantum-x.service"
RELEASES = "/opt/quantum/releases"
DAY_S = 86_400.0
EXAMPLES = sized(25, 1_000)


class NoUnits:
    """A host without units."""

    name = "supervisor"

    def show(self, units):
        assert not units
        return {}

    def reload(self):
        pass

    def stop(self, units):
        assert not units

    reset_failed = stop


class Killed(BaseException):
    """The process ended here; nothing of it runs any more."""


class House:
    """A host in a directory, in this process, and a model of what undoing must bring back."""

    def __init__(self, root: Path) -> None:
        for each in ("etc/systemd/system", "opt/quantum/releases", "var/lib"):
            (root / each).mkdir(parents=True)
        self.root = root
        self.machine = Machine(str(root), NoUnits(), honour_owners=os.getuid() == 0)
        self.store = stores.Store(self.machine.store)
        self.store.ensure()
        self.now_s = 1e9
        self.killed = False
        self.told: list[tuple[str, float, dict, dict]] = []  #: id, when, tree and manifest before

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def seen(self) -> dict:
        """Everything but the releases themselves: those that nothing names may be gone.

        Where a kill fell amid that, their folder has the time of it.
        """
        left = f"{RELEASES[1:]}{'' if self.killed else '/'}"
        return {
            path: about for path, about in tree(self.root).items() if not path.startswith(left)
        }  # fmt: skip

    def deploy(self, name: str, steps: list[dict]) -> None:
        blobs = {}
        for step in steps:
            content = step.pop("content", None)
            if content is not None:
                step["blob"] = step["sha256"] = digest(content)
                blobs[step["blob"]] = content
            if "path" in step:
                step["before"] = {
                    k: v for k, v in observe(self.machine, step["path"], None, secret=True).items()
                    if k in pruning_compared
                }  # fmt: skip
        before = name, self.now_s, self.seen(), manifest.current(self.store)
        work = transaction.Work(self.machine, self.store, blobs, lambda _: None, lambda: None)
        transaction.apply(work, name, META, steps)
        self.store.turn(self.store.find(name), "committed")
        self.told.append(before)

    def prune(self, keep: int, days: float = 0.0) -> dict:
        self.store.ensure()
        return pruning.prune(
            self.machine, self.store, keep=keep, keep_s=days * DAY_S, now_s=self.now_s
        )

    def rollback(self, **how) -> None:
        rolling_back.roll_back(self.machine, self.store, how, lambda _: None)

    def undo_one(self) -> None:
        self.rollback()
        self.expect_before(self.told.pop())

    def expect_before(self, told: tuple) -> None:
        _, _, was, managed = told
        assert self.seen() == was
        assert manifest.current(self.store) == managed
        self.expect_release()

    def expect_release(self) -> None:
        """What the unit file names is there as a whole."""
        if self.at(UNIT).exists():
            named = self.at(UNIT).read_text().split()[-1].rpartition("/")[2]
            said = releases.attest(self.machine, named)
            assert said == {"complete": True, "tree_digest": named}

    def committed(self) -> list[str]:
        return [one.id for one in self.store.all() if one.state == "committed"]

    def expect_promised(self, keep: int, days: float, before: list[str]) -> None:
        young = [i for i, (_, at_s, *_) in enumerate(self.told) if self.now_s - at_s < days * DAY_S]
        least = min([len(self.told) - keep, *young])
        assert set(before[max(0, least) :]) <= set(self.committed())


pruning_compared = ("kind", "sha256", "mode", "owner", "group", "target")


@pytest.fixture
def new_house(monkeypatch):
    made = []
    # what a release imports is tested elsewhere, and costs a process each
    monkeypatch.setattr(releases, "_import", lambda *_: None)

    def make() -> House:
        made.append(Path(tempfile.mkdtemp(prefix="qo-")))
        house = House(made[-1] / "root")
        monkeypatch.setattr(stores.time, "time", lambda: house.now_s)
        return house

    yield make
    for each in made:
        shutil.rmtree(each)


def a_deploy(number: int, of_release: int) -> list[dict]:
    """A release, the unit that names it, and files of all kinds that come, change and go."""
    new = release({"tiny.py": f"X = {of_release}\n"})
    unit = f"[Service]\nExecStart=/usr/bin/python3 {RELEASES}/{new['digest']}"
    steps = [file(UNIT, unit), file("/etc/a", f"{number}\n" * number, mode=0o600 + number % 8)]
    if number % 3 == 0:
        steps.append(link("/etc/l", f"to-{number}"))
    steps.append(folder("/etc/d", 0o700 + number % 8))
    if number % 4 == 3:
        steps.append({"do": "absent", "path": "/etc/l"})
    if number % 3 == 0 and number % 4 == 3:
        steps.pop()
    return [new, *steps]


ids = st.lists(
    st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True), min_size=14, max_size=14, unique=True
)
ops = st.lists(
    st.one_of(
        st.tuples(st.just("deploy"), st.integers(0, 3), st.sampled_from([-40.0, 0.01, 1, 20])),
        st.tuples(st.just("deploy"), st.integers(0, 3), st.sampled_from([0.01, 1, 20])),
        st.just(("rollback", 0, 0.0)),
        st.tuples(st.just("prune"), st.integers(1, 4), st.sampled_from([0.0, 2.0, 30.0])),
    ),
    min_size=4, max_size=14,
)  # fmt: skip


def play(house: House, names: list[str], story: list[tuple], *, to: int = 0) -> None:
    """Do it all, then undo all that is left, and compare each time."""
    house.at("/etc/a").write_text("set up by hand\n")
    for number, (name, (what, which, days)) in enumerate(zip(names, story, strict=False)):
        if what == "deploy":
            house.now_s += days * DAY_S
            house.deploy(name, a_deploy(number + 1, which))
        elif what == "rollback" and house.committed():
            house.undo_one()
        elif what == "prune":
            before = house.committed()
            house.prune(which, days)
            house.expect_promised(which, days, before)
        house.expect_release()
    kept = [one.id for one in house.store.all() if one.state in {"committed", "pruned"}]
    if to and len(kept) > 1:
        chosen = kept[-1 - to % len(kept)]
        house.rollback(to=chosen)
        newer = [told for told in house.told if told[0] in kept[kept.index(chosen) + 1 :]]
        if newer:
            house.expect_before(newer[0])
            house.told = house.told[: house.told.index(newer[0])]
    while house.committed():
        house.undo_one()


@settings(max_examples=EXAMPLES, deadline=None)
@given(names=ids, story=ops, to=st.integers(0, 5))
def test_every_rollback_that_the_policy_promises_is_exact(new_house_of, names, story, to):
    play(new_house_of(), names, story, to=to)


@pytest.fixture(scope="module")
def new_house_of():
    """Return what makes a house for each example; all of them are removed in the end."""
    patch = pytest.MonkeyPatch()
    made = []
    patch.setattr(releases, "_import", lambda *_: None)

    def make() -> House:
        while made:
            shutil.rmtree(made.pop())
        made.append(Path(tempfile.mkdtemp(prefix="qo-")))
        house = House(made[-1] / "root")
        patch.setattr(stores.time, "time", lambda: house.now_s)
        return house

    yield make
    patch.undo()
    for each in made:
        shutil.rmtree(each)


#: Names against the alphabet, a clock that was set back once, and a release that came again.
NAMES = ["z9", "a1", "m5", "b2", "y8", "c3", "-", "-", "-"]
STORY = [
    ("deploy", 0, 1), ("deploy", 1, 40), ("deploy", 2, -80), ("deploy", 0, 1), ("deploy", 1, 1),
    ("deploy", 3, 60), ("prune", 3, 0.0), ("rollback", 0, 0.0), ("prune", 2, 0.0),
]  # fmt: skip


def test_the_story_that_the_broken_ones_fail_is_told_right(new_house):
    house = new_house()
    play(house, NAMES, STORY)
    assert [one.state for one in house.store.all()].count("pruned") == 1


def by_alphabet(told, *, keep, **_):
    line = sorted(each["id"] for each in told if each["state"] == "committed")
    return line[: max(0, len(line) - keep)]


def by_clock(told, *, keep, **_):
    line = [each for each in told if each["state"] == "committed"]
    line.sort(key=lambda each: each["at_s"])
    return [each["id"] for each in line[: max(0, len(line) - keep)]]


@pytest.mark.parametrize("broken", [by_alphabet, by_clock])
def test_one_that_chooses_by_alphabet_or_clock_fails(new_house, monkeypatch, broken):
    monkeypatch.setattr(pruning, "choose", broken)
    with pytest.raises((AssertionError, AgentError)):
        play(new_house(), NAMES, STORY)


def test_one_that_keeps_the_newest_releases_only_fails(new_house, monkeypatch):
    def newest(machine, _transactions, digests):
        at = {each: Path(machine.at(f"{RELEASES}/{each}")).stat().st_mtime_ns for each in digests}
        return set(sorted(at, key=lambda each: at[each])[-1:])

    monkeypatch.setattr(pruning, "named", newest)
    with pytest.raises(AssertionError):
        play(new_house(), NAMES, STORY)


def test_one_that_forgets_the_base_fails(new_house, monkeypatch):
    def forget(transactions):
        for one in transactions.all():
            if one.state == "pruned":
                transactions.discard(one.id)

    monkeypatch.setattr(pruning, "_settle_base", forget)
    with pytest.raises(AssertionError):
        play(new_house(), NAMES, STORY)


def test_killed_at_any_boundary_it_keeps_every_promise_and_the_next_one_ends_it(
    new_house, monkeypatch
):
    def kill(_pid, _signal):
        raise Killed

    monkeypatch.setattr(boundaries.os, "kill", kill)
    counter = boundaries.BOUNDARIES
    at, died = 0, True
    while died:
        at += 1
        house = new_house()
        for number in range(1, 7):
            house.deploy(f"t{9 - number}", a_deploy(number, number % 5))
        house.prune(5)
        counter.passed, counter.die_at = 0, at
        try:
            house.prune(2)
            died = False
        except Killed:
            died = True
        finally:
            counter.die_at = 0
        house.killed = True
        for _, _, was, _ in house.told:
            was.pop(RELEASES[1:])
        assert set(house.committed()) >= {"t4", "t3"}
        if at % 2:
            house.prune(2)
            assert house.committed() == ["t4", "t3"]
            assert [one.state for one in house.store.all()] == ["pruned", "committed", "committed"]
            assert not [each for each in house.at(RELEASES).iterdir() if each.name[0] == "."]
        house.store.ensure()
        while house.committed():
            house.undo_one()
    assert at > 12


def test_what_is_unfinished_or_unknown_lets_nothing_go(new_house):
    house = new_house()
    for number in range(1, 5):
        house.deploy(f"t{number}", a_deploy(number, number))
    for state in ("applied", "open", "undoing", "something-of-tomorrow"):
        last = house.store.find("t4")
        house.store.turn(last, state)
        assert house.prune(1) == {"transactions": [], "releases": []}
        house.store.turn(house.store.find("t4"), "committed")
    assert house.prune(1)["transactions"] == ["t1", "t2", "t3"]


def test_a_snapshot_a_running_process_and_a_unit_by_hand_keep_what_they_name(new_house):
    house = new_house()
    for number in range(1, 6):
        house.deploy(f"t{number}", a_deploy(number, number))
    by_content = {
        number: release({"tiny.py": f"X = {number}\n"})["digest"] for number in range(1, 6)
    }

    def fill(one):
        stores.keep(one, "x", f"ExecStart={RELEASES}/{by_content[1]}".encode())
        return {}

    house.store.create("kept", META, stores.PINNED, fill)
    house.at("/etc/systemd/system/by-hand.timer").write_text(f"# {by_content[2]}\n")
    here = Path.cwd()
    os.chdir(house.at(f"{RELEASES}/{by_content[3]}"))
    try:
        gone = house.prune(1)
    finally:
        os.chdir(here)
    assert gone["transactions"] == ["t1", "t2", "t3", "t4"]
    assert gone["releases"] == []  # what t5 found, it would bring back
    house.at("/etc/systemd/system/by-hand.timer").unlink()
    assert house.prune(1)["releases"] == sorted([by_content[2], by_content[3]])
    assert {one.state for one in house.store.all()} == {"pruned", "committed", "pinned"}


def test_a_rollback_that_kept_a_hotfix_is_not_forgotten(new_house):
    house = new_house()
    for name in ("t1", "t2", "t3"):
        house.deploy(name, [file("/etc/b", name)])
        if name == "t1":
            house.at("/etc/b").write_text("hotfix\n")
        house.rollback()
    assert house.prune(1)["transactions"] == ["t2"]
    assert [one.id for one in house.store.all()] == ["t1", "t3"]


def test_a_pruned_one_can_be_returned_to_and_not_be_undone(new_house):
    house = new_house()
    for number in range(1, 4):
        house.deploy(f"t{number}", a_deploy(number, number))
    house.prune(1)
    with pytest.raises(AgentError, match="was pruned"):
        house.rollback(tx="t2")
    with pytest.raises(AgentError, match="no transaction 't1'"):
        house.rollback(to="t1")
    house.rollback(to="t2")
    house.expect_before(house.told[-1])
    with pytest.raises(AgentError, match="nothing to roll back"):
        house.rollback()


def test_the_policy_keeps_the_young_whatever_their_number():
    told = [
        {"id": f"t{n}", "sequence": n, "state": "committed", "at_s": n * DAY_S} for n in range(1, 9)
    ]

    def gone(keep, days):
        return pruning.choose(told, keep=keep, keep_s=days * DAY_S, now_s=9 * DAY_S)

    assert gone(3, 0) == ["t1", "t2", "t3", "t4", "t5"]
    assert gone(3, 6.5) == ["t1", "t2"]
    assert gone(3, 30) == gone(8, 0) == []
    assert gone(0, 0) == [f"t{n}" for n in range(1, 8)]  # the last deploy can always be undone


def test_an_agent_prunes_over_its_link_and_an_other_s_lock_refuses_it(world):
    for name in ("t1", "t2", "t3"):
        world.deploy([file("/etc/a", name)], name)
    holder = world.session()
    world.apply(holder, [file("/etc/a", "t4")], "t4")
    with pytest.raises(Exception, match="ada holds this host since"):
        world.session().prune(keep=1, keep_s=0, meta=META)
    holder.rollback("t4")
    assert world.session().prune(keep=1, keep_s=0, meta=META)["transactions"] == ["t1", "t2"]
    world.session().rollback()
    assert world.at("/etc/a").read_text() == "t2"
