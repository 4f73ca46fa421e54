"""Restarts by state on a real systemd: the case to beat, exactly once, and never for nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import pytest

from harness.bootstrap import command
from harness.desired import compose
from harness.errors import InDoubtError
from harness.links.ssh import connect
from harness.planning import Observation, plan
from harness.resources import File, Unit
from harness.session import Session
from lab.entering import inside
from tests.waiting import until

pytestmark = pytest.mark.lab

NAME = "quantum-restart-test.service"
UNIT, ENV = f"/etc/systemd/system/{NAME}", "/etc/quantum-restart-test.env"
READY = (
    "import os,socket,time;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);"
    "s.connect(os.environ['NOTIFY_SOCKET']);s.send(b'READY=1');time.sleep(99999)"
)
TEXT = (
    "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=notify\nRestart=always\nRestartSec=100ms\n"
    f'EnvironmentFile={ENV}\nExecStart=/usr/bin/python3 -c "{READY}"\n'
)
#: systemd's own id of the message that a unit was started.
STARTED = "39f53479d3a045ac8e11786248231fbf"


class Place:
    """A lab host, what it should be, and agents that plan and apply as a deploy does."""

    def __init__(self, lab_host, host) -> None:
        self.lab_host, self.host = lab_host, host
        self.link = connect(host)
        self.sessions: list[Session] = []
        self.count = 0

    def session(self, **failpoints) -> Session:
        process = self.link.exec(command(become=True))
        session = Session(process.stdin, process.stdout, host="lab", explain=process.explain)
        self.sessions.append(session)
        self.said = session.hello(root="/", services="systemd", **failpoints)
        return session

    def wanted(self, word: str):
        resources = [
            File(ENV, f"WORD={word}\n".encode()),
            Unit(NAME, "unit", "restart-test", env=ENV),
        ]
        return compose(self.host, resources, "", lambda *_: TEXT)

    def planned(self, session: Session, word: str):
        wanted = self.wanted(word)
        said = session.observe(
            paths={one.path: one.sha256 for one in wanted.paths}, units={NAME: {}}
        )
        return wanted, plan(wanted, Observation(said["paths"], said["units"], {}, {}, {}))

    def apply(self, session: Session, word: str, tx: str = "") -> Mapping:
        wanted, planned = self.planned(session, word)
        blobs = {one.sha256: one.content for one in wanted.paths if one.kind == "file"}
        self.count += 1
        steps = [step.words for step in planned.steps]
        used = {step["blob"] for step in steps if "blob" in step}
        return session.apply(
            tx or f"t{self.count}", kind="deploy", meta={"operator": "test", "from": "lab"},
            steps=steps, blobs={digest: blobs[digest] for digest in used},
        )  # fmt: skip

    def run(self, *words: str) -> str:
        return inside(self.lab_host, *words, check=False).stdout.decode().strip()

    def shown(self, name: str, *unit: str) -> str:
        return self.run("systemctl", "show", "-P", name, *unit)

    def word(self) -> str:
        """Return what the running process was started with."""
        pid = self.shown("MainPID", NAME)
        raw = inside(self.lab_host, "cat", f"/proc/{pid}/environ").stdout
        return dict(item.split(b"=", 1) for item in raw.split(b"\0") if item)[b"WORD"].decode()

    def starts(self) -> int:
        words = ("journalctl", "-q", "-o", "cat", f"MESSAGE_ID={STARTED}", f"UNIT={NAME}")
        self.run("journalctl", "--sync")
        return len(self.run(*words).splitlines())

    def crashes(self) -> None:
        """Kill the process and wait until systemd has brought it back."""
        before = self.shown("InvocationID", NAME)
        self.run("systemctl", "kill", "-s", "KILL", NAME)

        def back() -> bool:
            now = self.shown("InvocationID", NAME)
            return now != before and self.shown("ActiveState", NAME) == "active"

        until(back, what="an automatic restart")

    def has(self, word: str) -> bool:
        return f"WORD={word}\n" in inside(self.lab_host, "cat", ENV).stdout.decode()


@pytest.fixture
def place(lab_hosts, as_host):
    one = Place(lab_hosts[1], as_host(lab_hosts[1]))
    session = one.session()
    one.apply(session, "old")
    session.commit("t1")
    session.close()
    yield one
    for each in one.sessions:
        each.close()
    one.link.close()
    one.run("systemctl", "disable", "--now", NAME)
    one.run("rm", "-rf", "/var/lib/quantum-ops", UNIT, f"{UNIT}.d", ENV)
    one.run("systemctl", "daemon-reload")
    one.run("systemctl", "reset-failed")


def died_between(place: Place) -> None:
    """Let an agent die when the file is renamed and the unit is not restarted."""
    session = place.session(die_at=0)
    total = place.apply(session, "new", "counted")["boundaries"]
    session.rollback("counted")
    session.close()
    for at in range(total, 0, -1):
        invocation = place.shown("InvocationID", NAME)
        with contextlib.suppress(InDoubtError):
            place.apply(place.session(die_at=at), "new", f"died{at}")
        if place.has("new") and place.shown("InvocationID", NAME) == invocation:
            return
        session = place.session()
        session.recover(meta={"operator": "test", "from": "lab"})
        session.close()
    pytest.fail("no boundary lies between the rename and the restart")


def test_a_death_between_rename_and_restart_is_one_restart_by_the_next_deploy(place):
    died_between(place)
    count = place.starts()
    session = place.session()
    assert place.said["unfinished"]
    session.recover(meta={"operator": "test", "from": "lab"})
    assert (place.word(), place.starts(), place.has("old")) == ("old", count, True)
    place.apply(session, "new", "again")
    session.commit("again")
    assert (place.word(), place.starts()) == ("new", count + 1)
    assert place.planned(session, "new")[1].steps == ()


def test_the_env_that_a_crash_has_taken_up_goes_back_with_its_file(place):
    """The env file renamed, a crash, an automatic restart, and only then the way back."""
    died_between(place)
    place.crashes()
    assert place.word() == "new"
    session = place.session()
    session.recover(meta={"operator": "test", "from": "lab"})
    assert place.has("old")
    assert place.word() == "old"
    assert place.planned(session, "old")[1].steps == ()


def test_an_env_put_back_behind_our_back_is_seen_in_the_process_and_not_in_the_file(place):
    """Every file is right and older than the process: only the process tells."""
    before = inside(place.lab_host, "cat", ENV).stdout
    inside(place.lab_host, "sh", "-c", f"sed -i 's/=.*/=by-hand/' {ENV}")
    place.crashes()
    inside(place.lab_host, "sh", "-c", f"cat >{ENV} && touch -d 2020-01-01 {ENV}", stdin=before)
    session = place.session()
    _, planned = place.planned(session, "old")
    assert [step.words["do"] for step in planned.steps] == ["settle"]
    assert "runs with another env file (QUANTUM_ENV_DIGEST)" in planned.steps[0].lines[0]
    place.apply(session, "old", "mended")
    session.commit("mended")
    assert place.word() == "old"
    assert place.planned(session, "old")[1].steps == ()


def test_what_has_not_changed_is_left_alone_and_units_are_read_again_only_when_they_have(place):
    def reloads() -> int:
        place.run("journalctl", "--sync")
        said = place.run("journalctl", "-q", "-b", "-o", "cat", "_PID=1").splitlines()
        return len([line for line in said if line.startswith("Reloading")])

    session = place.session()
    read, invocation = reloads(), place.shown("InvocationID", NAME)
    assert place.planned(session, "old")[1].steps == ()
    place.apply(session, "new", "env")
    session.commit("env")
    # an env file is read when the unit starts; systemd need not read any unit again
    assert reloads() == read
    assert place.shown("InvocationID", NAME) != invocation
    inside(place.lab_host, "touch", UNIT)
    assert place.shown("NeedDaemonReload", NAME) == "yes"
    invocation = place.shown("InvocationID", NAME)
    place.apply(session, "new", "reload")
    session.commit("reload")
    assert reloads() != read
    assert place.shown("NeedDaemonReload", NAME) == "no"
    assert place.shown("InvocationID", NAME) == invocation
