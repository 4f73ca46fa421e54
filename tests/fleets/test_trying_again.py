"""Who is not let in tries again with full jitter, so often and so long; who has begun does not."""

from __future__ import annotations

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UnreachableError
from harness.host import Host
from harness.links import ssh, way
from harness.links.trying_again import (
    LONGEST_PAUSE_S,
    HungUpError,
    Means,
    NotLetInError,
    RefusedError,
    longest_pause,
    persistently,
)
from tests.links.sshds import Sshd

TOLD = UnreachableError("no", host="h")
CHANCES = st.lists(st.floats(0, 1, exclude_max=True), min_size=40, max_size=40)


class Patience:
    """A clock that only waiting moves."""

    def __init__(self, chances=()) -> None:
        self.now, self.waited, self.tried = 0.0, [], 0
        self.chances = iter(chances)
        self.means = Means(lambda: self.now, lambda: next(self.chances, 0.5), self.wait)

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds

    def fails(self, error: type[NotLetInError], times: int = 10**6):
        def attempt() -> str:
            self.tried += 1
            if self.tried <= times:
                raise error(TOLD)
            return "in"

        return attempt


@pytest.mark.parametrize("error", [HungUpError, RefusedError])
def test_it_is_tried_so_often_and_then_told(error):
    patience = Patience()
    with pytest.raises(UnreachableError, match="no"):
        persistently(patience.fails(error), 10**6, patience.means)
    assert patience.tried == error.tries > 1


@given(CHANCES, st.floats(0.01, 30))
def test_no_try_begins_after_the_deadline(chances, until):
    patience = Patience(chances)
    with pytest.raises(UnreachableError):
        persistently(patience.fails(HungUpError), until, patience.means)
    assert patience.now < until


@given(CHANCES)
def test_a_pause_is_anything_from_none_to_the_longest(chances):
    patience = Patience(chances)
    with pytest.raises(UnreachableError):
        persistently(patience.fails(HungUpError), 10**6, patience.means)
    for number, (chance, waited) in enumerate(zip(chances, patience.waited, strict=False), 1):
        assert waited == chance * longest_pause(number)
        assert 0 <= waited <= LONGEST_PAUSE_S


def test_the_longest_pause_doubles_up_to_its_bound():
    assert [longest_pause(tried) for tried in (1, 2, 3, 4, 9)] == [0.25, 0.5, 1.0, 2.0, 2.0]


def test_who_is_let_in_waits_no_more():
    patience = Patience()
    assert persistently(patience.fails(HungUpError, times=3), 10**6, patience.means) == "in"
    assert len(patience.waited) == 3


def test_what_is_no_turning_away_is_not_tried_again():
    patience = Patience()

    def attempt() -> None:
        patience.tried += 1
        raise UnreachableError("the key was not accepted")

    with pytest.raises(UnreachableError):
        persistently(attempt, 10**6, patience.means)
    assert patience.tried == 1


@pytest.fixture
def sshd(tmp_path):
    made = []

    def make(hangs_up: int) -> tuple[Sshd, Host]:
        key = paramiko.ECDSAKey.generate()
        key.write_private_key_file(str(tmp_path / "key"))
        server = Sshd("h", [key])
        made.append(server)
        server.hangs_up = hangs_up
        (tmp_path / "known_hosts").write_text(server.line)
        return server, Host(
            "h", "fleet", "testnet", (), address="127.0.0.1", port=server.port, user="ada",
            private_key=tmp_path / "key", known_hosts=tmp_path / "known_hosts",
        )  # fmt: skip

    yield make
    for each in made:
        each.close()


@pytest.fixture
def at_once(monkeypatch):
    """Pauses of no length: the jitter is tested above, and nobody waits here."""
    monkeypatch.setattr(ssh, "MEANS", Means(ssh.MEANS.clock, lambda: 0.0, lambda _: None))


def test_a_connection_dropped_before_the_banner_is_tried_again_until_it_is_let_in(sshd, at_once):
    server, host = sshd(3)
    with ssh.connect(host, deadline_s=60):
        assert server.met == 4


def test_one_that_is_always_dropped_is_told_of_after_the_last_try(sshd, at_once):
    server, host = sshd(10**6)
    with pytest.raises(UnreachableError):
        ssh.connect(host, deadline_s=60)
    assert server.met == HungUpError.tries


def test_a_refused_connection_is_tried_again(sshd, at_once, monkeypatch):
    tried = []

    def refuse_twice(hostname, port, until):
        tried.append(port)
        if len(tried) <= 2:
            raise ConnectionRefusedError
        return tcp(hostname, port, until)

    (_, host), tcp = sshd(0), way._tcp
    monkeypatch.setattr(way, "_tcp", refuse_twice)
    with ssh.connect(host, deadline_s=60):
        assert len(tried) == 3


def test_a_key_that_is_not_accepted_is_tried_once(sshd, at_once, tmp_path):
    server, host = sshd(0)
    paramiko.ECDSAKey.generate().write_private_key_file(str(tmp_path / "other"))
    wrong = Host(
        "h", "fleet", "testnet", (), address="127.0.0.1", port=server.port, user="ada",
        private_key=tmp_path / "other", known_hosts=host.known_hosts,
    )  # fmt: skip
    with pytest.raises(UnreachableError, match="was not accepted"):
        ssh.connect(wrong, deadline_s=60)
    assert server.met == 1


def test_an_apply_whose_link_breaks_is_in_doubt_and_never_begun_again(fleet, monkeypatch):
    from harness.session import Session

    fleet.grow(1)
    applied = []

    def dies_in_the_middle(session, tx, **_):
        applied.append(tx)
        fleet.kill_agent("h01")
        raise session._lost("apply", "the link broke")

    monkeypatch.setattr(Session, "apply", dies_in_the_middle)
    outcome = fleet.deploys()
    assert (outcome.state, outcome.exit_code) == ("in_doubt", 2)
    assert len(applied) == 1
