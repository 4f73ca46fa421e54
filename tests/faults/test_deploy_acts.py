"""Acts on deploys, the releases that they bring, and how an end is read; nothing is deployed."""

import json
from pathlib import Path

import pytest

from fault_injection.deploys import releases
from fault_injection.deploys.acts import ACTS, Means
from fault_injection.deploys.endings import Ending, ended
from fault_injection.deploys.orders import Order, Orders
from fault_injection.history.happenings import FAIL, INFO, OK
from harness.releases.trees import sources

PROJECT = Path(__file__).resolve().parents[2]
COMMITTED = Ending(how=OK, outcome="committed")
BACK = Ending(how=FAIL, outcome="rolled_back", why="no READY")
KILLED = Ending(how=INFO, why="killed by signal 9")
LOCKED = Ending(how=FAIL, outcome="refused", why="lab1, lock: ada holds this host")
#: A word -> an end that comes too early or late for it, and one in which it is seen.
MET = {
    "kill_laptop": ({"at_percent": 40}, [COMMITTED], [KILLED]),
    "deploy_too": ({"at_percent": 0}, [COMMITTED, COMMITTED], [COMMITTED, LOCKED]),
    "deploy_release": ({"release": "never_ready"}, [COMMITTED], [BACK]),
}


class Watcher:
    """Stands for whoever watches on a host."""

    killed = ""
    ends = 0

    def begin(self):
        return "watching"

    def said(self):
        return self.killed

    def end(self):
        self.ends += 1


def act(do, orders, watcher=None, **word):
    return ACTS[do]({"do": do, **word}, Means(orders, lambda host, kib: watcher))


@pytest.mark.parametrize("do", MET)
def test_an_act_is_met_by_one_deploy_and_over_with_the_next(do):
    word, missed, met = MET[do]
    orders = Orders()
    done = act(do, orders, **word)
    assert done.inject()
    order = orders.next()
    orders.ended(order, missed)
    assert (done.observed(), orders.next()) == ("", order)
    orders.ended(order, met)
    assert done.observed()
    assert orders.next() is None
    assert done.gone() == ""
    orders.ended(None, [BACK])
    assert done.gone() == ""
    orders.ended(None, [COMMITTED])
    done.undo()
    done.undo()
    assert done.gone() == "a deploy is committed"


def test_an_act_that_no_deploy_meets_is_never_observed():
    orders = Orders()
    done = act("kill_laptop", orders, at_percent=5)
    done.inject()
    done.undo()
    assert orders.next() is None
    assert (done.observed(), done.gone()) == ("", "no deploy was met by it")


def test_a_session_is_cut_when_the_watcher_says_so():
    orders, watcher = Orders(), Watcher()
    done = act("kill_sshd", orders, watcher, host="lab2", after_kib=400)
    assert done.inject() == "watching"
    order = orders.next()
    assert order.fresh
    orders.ended(order, [KILLED])
    assert done.observed() == ""
    watcher.killed = "killed sshd: ops"
    assert done.observed() == "killed sshd: ops"
    done.undo()
    assert watcher.ends == 1
    orders.ended(None, [COMMITTED])
    assert done.gone()


def test_one_order_after_the_other():
    orders, (one, other) = Orders(), (Order(kill_at=1), Order(rival_at=2))
    orders.place(one)
    orders.place(other)
    assert orders.next() is one
    orders.ended(one, [KILLED])
    assert orders.next() is other


def told(state, **hosts):
    return json.dumps(
        {"state": state, "transaction": "t1", "hosts": hosts, "reasons": ["a:\n  b", "c"]}
    )


def refused(kind, code, **error):
    error = {"kind": kind, "host": "lab1", "step": "lock", "cause": "ada\nholds it", **error}
    return json.dumps({"error": error, "exit_code": code})


@pytest.mark.parametrize(
    ("code", "said", "how", "outcome"),
    [
        (0, told("committed", lab1="committed"), OK, "committed"),
        (0, told("unchanged", lab1="unchanged"), OK, "unchanged"),
        (1, told("rolled_back", lab1="rolled_back"), FAIL, "rolled_back"),
        (1, told("partly_committed", lab1="committed"), INFO, "partly_committed"),
        (2, told("in_doubt", lab1="in_doubt"), INFO, "in_doubt"),
        (1, refused("LockedError", 1), FAIL, "refused"),
        (2, refused("DriftError", 2), FAIL, "refused"),
        (3, refused("ConfigurationError", 3, host="", step=""), FAIL, "refused"),
        (2, refused("InDoubtError", 2), INFO, ""),
        (1, refused("LedgerError", 1), INFO, ""),
        (-9, "", INFO, ""),
        (-9, told("committed")[:20], INFO, ""),
        (1, "", INFO, ""),
        (0, "[]", INFO, ""),
        (0, '{"state": "committed"}', INFO, ""),
    ],
)
def test_how_a_deploy_ended_is_read_from_its_last_words(code, said, how, outcome):
    ending = ended(code, said)
    assert (ending.how, ending.outcome) == (how, outcome)
    assert "\n" not in ending.why
    if outcome == "rolled_back":
        assert (ending.transaction, ending.hosts, ending.why) == (
            "t1", {"lab1": "rolled_back"}, "a: b; c",
        )  # fmt: skip


def test_whoever_is_locked_out_is_known_by_the_step():
    assert ended(1, refused("LockedError", 1)).locked_out
    many = "2 hosts failed:\n  lab1, lock: ada holds it\n  lab2, lock: ada holds it"
    assert ended(1, refused("LockedError", 1, host="", step="", cause=many)).locked_out
    assert not ended(1, refused("AgentError", 1, step="apply")).locked_out


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory):
    """A function: the folder of a release of this project."""
    folder = tmp_path_factory.mktemp("releases")

    def lay_out(name):
        if not (folder / name).exists():
            releases.lay_out(PROJECT, folder / name, name)
        return folder / name

    return lay_out


@pytest.mark.parametrize("name", [releases.NEW, *releases.BROKEN])
def test_a_release_differs_in_sources_env_and_unit_and_shares_the_rest(laid_out, name):
    folder = laid_out(name)
    for path in (releases.SOURCE, releases.ENV, releases.UNIT):
        assert (folder / path).read_text() != (PROJECT / path).read_text()
    changed = {path for path, content in sources(folder).items() if content != OWN[path]}
    assert changed <= {releases.SOURCE, releases.NOTIFYING}
    for path in changed:
        compile((folder / path).read_text(), path, "exec")
    assert (folder / "docs").resolve() == (PROJECT / "docs").resolve()
    assert not (folder / ".git").exists()
    assert (folder / "harness").resolve() != (PROJECT / "harness").resolve()


OWN = sources(PROJECT)


def test_the_old_one_is_the_project_itself_and_an_edit_that_does_not_fit_is_told():
    assert releases.edits(releases.OLD) == ()
    with pytest.raises(ValueError, match="no line"):
        releases.BROKEN[releases.UNIT_REFUSED].made("[Service]\n")
