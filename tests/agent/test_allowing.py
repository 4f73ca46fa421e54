"""A host that may be broken for a while, by whom, and the end of that."""

import time

import pytest

from harness.errors import AgentError, ConfigurationError, InDoubtError
from harness.fault_requests import PASSWORD_FILE
from harness.masking import Secret
from tests.agent import grounds
from tests.agent.worlds import META

WORDS = {"within_s": 600.0, "mode": "testnet", "inventory": grounds.INVENTORY, "password": None,
         "meta": META}  # fmt: skip
PASSWORD = Secret("correct-horse")
LOGIN = ("-a", PASSWORD.reveal_text(), "--no-auth-warning")


def allow(session, **more):
    return session.fault_allow(**{**WORDS, **more})


def files(ground):
    return sorted(path.name for path in (ground.root / "etc/quantum").iterdir())


@pytest.fixture
def closed(ground):
    """The ground, where nobody has allowed anything yet."""
    marker = ground.root / grounds.MARKER
    marker.unlink()
    yield ground
    ground.hand().fault_forbid(meta=META)
    ground.allow()


@pytest.fixture
def locked(closed):
    closed.cli("CONFIG", "SET", "requirepass", PASSWORD.reveal_text())
    yield closed
    closed.cli(
        "-a", PASSWORD.reveal_text(), "--no-auth-warning", "CONFIG", "SET", "requirepass", ""
    )


def test_what_is_allowed_can_be_broken_and_what_is_forbidden_cannot(closed):
    hand, marker = closed.hand(), closed.root / grounds.MARKER
    before = files(closed)
    with pytest.raises(AgentError, match=r"it is not there(.|\n)*invoke faults\.allow"):
        closed.arm(hand, "too-early", grounds.mode())
    said = allow(hand)
    assert said["password"] is False
    lines = [f"inventory={grounds.INVENTORY}", f"until={said['until']}"]
    assert marker.read_text().splitlines() == lines
    assert (marker.stat().st_mode & 0o7777, marker.stat().st_uid) == (0o644, 0)
    closed.arm(hand, "allowed", grounds.mode())
    assert hand.fault_forbid(meta=META) == {"allowed": True, "healed": ["allowed"]}
    assert files(closed) == before
    with pytest.raises(AgentError, match="it is not there"):
        closed.arm(hand, "too-late", grounds.mode())
    assert hand.fault_forbid(meta=META) == {"allowed": False, "healed": []}


def test_it_ends_by_the_hosts_own_clock(closed):
    before = time.time()
    said = allow(closed.hand(), within_s=60.0)
    until_s = time.mktime(time.strptime(said["until"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    assert before + 59 <= until_s <= time.time() + 60
    with pytest.raises(AgentError, match="its time was over"):
        allow(closed.hand(), within_s=0.001)


def test_redis_settings_change_by_the_password_and_are_undone_by_it(locked):
    hand, file = locked.hand(), locked.root / PASSWORD_FILE.lstrip("/")
    step = grounds.redis(config={"maxmemory": "9mb"}, password_file=PASSWORD_FILE)
    allow(hand)
    with pytest.raises(AgentError, match="no password can be read"):
        locked.arm(hand, "none", step)
    assert allow(hand, password=PASSWORD)["password"] is True
    assert (file.stat().st_mode & 0o7777, file.stat().st_uid) == (0o600, 0)
    locked.arm(hand, "changed", step)
    assert hand.fault_forbid(meta=META)["healed"] == ["changed"]
    assert locked.cli(*LOGIN, "CONFIG", "GET", "maxmemory").split() == ["maxmemory", "0"]
    assert not file.exists()


def test_the_password_stays_for_as_long_as_an_undo_may_read_it(locked):
    hand, file = locked.hand(), locked.root / PASSWORD_FILE.lstrip("/")
    allow(hand, password=PASSWORD)
    step = grounds.redis(config={"maxmemory": "9mb"}, password_file=PASSWORD_FILE)
    locked.arm(hand, "active", step)
    allow(hand)
    assert file.read_text() == PASSWORD.reveal_text()
    file.write_text("another one")
    with pytest.raises(InDoubtError, match=r"WRONGPASS(.|\n)*invoke faults\.forbid"):
        hand.fault_forbid(meta=META)
    assert not (locked.root / grounds.MARKER).exists()
    assert file.exists()
    file.write_text(PASSWORD.reveal_text())
    assert hand.fault_forbid(meta=META) == {"allowed": False, "healed": ["active"]}
    assert not file.exists()


def test_a_new_allowance_without_a_password_takes_the_old_one_away(closed):
    allow(closed.hand(), password=PASSWORD)
    allow(closed.hand())
    assert not (closed.root / PASSWORD_FILE.lstrip("/")).exists()


def test_it_is_no_part_of_a_deploy_and_no_rollback_takes_it_back(closed):
    session = closed.session()
    blob = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    step = {"do": "file", "path": "/etc/quantum/new", "mode": 0o644, "before": {"kind": "absent"}}
    step |= {"owner": "root", "group": "root", "blob": blob, "sha256": blob}
    session.apply("t-allow", kind="deploy", meta=META, steps=[step], blobs={blob: b"foo"})
    said = allow(closed.hand(), password=PASSWORD)
    session.rollback("t-allow")
    session.close()
    assert said["until"] in (closed.root / grounds.MARKER).read_text()
    assert (closed.root / PASSWORD_FILE.lstrip("/")).exists()
    again = closed.session()
    assert "/etc/quantum/faults-allowed" not in again.hello_said["manifest"]
    again.close()


def test_a_host_that_another_inventory_may_break_is_left_to_it(closed):
    closed.allow("other")
    with pytest.raises(AgentError, match=r"to the inventory 'other' until(.|\n)*-i other"):
        allow(closed.hand(), password=PASSWORD)
    assert not (closed.root / PASSWORD_FILE.lstrip("/")).exists()
    closed.allow("other", within_s=-1)
    allow(closed.hand())


@pytest.mark.parametrize("within_s", [0, -1, 86_401, float("nan"), float("inf")])
def test_no_time_and_no_more_than_a_day(closed, within_s):
    with pytest.raises(AgentError, match="86400 s"):
        allow(closed.hand(), within_s=within_s)
    assert not (closed.root / grounds.MARKER).exists()


@pytest.mark.parametrize("mode", ["live", "Live", "", "production"])
def test_mode_live_is_refused_on_both_sides(closed, mode):
    with pytest.raises(ConfigurationError, match="faults are for sandbox and testnet alone"):
        allow(closed.hand(), mode=mode)
    asked = {"do": "fault_allow", "within_s": 9, "inventory": "test", "mode": mode, "meta": META}
    with pytest.raises(AgentError, match="faults are for sandbox and testnet alone"):
        closed.hand()._ask(asked, 60)
    assert not (closed.root / grounds.MARKER).exists()


def test_a_service_that_is_live_speaks_for_itself(closed):
    path = closed.box.write("etc/quantum/execution.env", "QUANTUM_MODE=live\n")
    with pytest.raises(AgentError, match=r"execution\.env says QUANTUM_MODE=live"):
        allow(closed.hand(), password=PASSWORD)
    path.unlink()
    assert files(closed) == ["some.env"]


def test_what_would_not_be_believed_is_taken_away_again(closed):
    folder = closed.root / "etc/quantum"
    folder.chmod(0o777)
    with pytest.raises(AgentError, match="its folder can be written by others"):
        allow(closed.hand(), password=PASSWORD)
    folder.chmod(0o755)
    assert files(closed) == ["some.env"]
    with pytest.raises(AgentError, match="each once"):
        allow(closed.hand(), inventory="two words")
    assert files(closed) == ["some.env"]


def test_killed_anywhere_it_leaves_nothing_that_forbid_does_not_take(closed):
    session = closed.session(die_at=0)
    count = allow(session, password=PASSWORD)["boundaries"]
    session.close()
    for at in range(1, count + 1):
        closed.hand().fault_forbid(meta=META)
        dying = closed.session(die_at=at)
        with pytest.raises(InDoubtError, match=r"faults\.forbid"):
            allow(dying, password=PASSWORD)
        closed.hand().fault_forbid(meta=META)
        assert files(closed) == ["some.env"]
