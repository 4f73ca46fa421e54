"""Give tests a real lab of three hosts: skipped loudly without one, failing in CI."""

import contextlib
import fcntl
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest

from harness.host import Host
from harness.links import private_keys
from lab import hosts as lab
from lab import places, prerequisites
from lab.places import LabHost
from tests.lab import looking
from tests.lab.laptop import CONSUMER, Laptop
from tests.needing import not_tested
from tests.waiting import until

#: How long another run of these tests may keep the lab, in seconds; below a test's own timeout.
ALONE_WITHIN_S = 280.0


@pytest.fixture(scope="session")
def lab_hosts() -> Iterator[tuple[LabHost, ...]]:
    """Three living hosts; a lab that was not up before the tests is taken down after them."""
    wants = prerequisites.missing_here()
    if wants:
        not_tested(f"the lab needs {' and '.join(wants)}")
    with alone_on_the_lab():
        found = lab.known()
        yield lab.up()
        if not found:
            lab.down()


@contextlib.contextmanager
def alone_on_the_lab() -> Iterator[None]:
    """Wait until no other run of these tests is on this machine's one lab."""
    with Path(f"{places.RUN}.tests.lock").open("w") as lock:
        until(lambda: taken(lock), ALONE_WITHIN_S, "being alone on the lab")
        yield


def taken(lock: IO[str]) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def described(target: LabHost, **changes) -> Host:
    given = {
        "name": target.name,
        "inventory": "lab",
        "mode": "sandbox",
        "roles": (),
        "address": target.address,
        "user": places.USER,
        "private_key": places.CLIENT_KEY,
        "known_hosts": places.KNOWN_HOSTS,
        "become": True,
    }
    return Host(**(given | changes))


@pytest.fixture(scope="session")
def as_host() -> Callable[..., Host]:
    """A function: LabHost -> the host as inventory/lab.yml describes it, with changes."""
    return described


@pytest.fixture(autouse=True)
def keys_of_this_lab():
    """A lab that another test has made anew has other keys, and a process reads its own once."""
    private_keys.load.cache_clear()


@pytest.fixture
def first(lab_hosts) -> Host:
    return described(lab_hosts[0])


@pytest.fixture
def last(lab_hosts) -> LabHost:
    """The host that tests break; put right again afterwards."""
    yield lab_hosts[2]
    lab.up()


def renew_where_something_is_left(hosts: Sequence[LabHost], suites: str = "bookworm") -> None:
    """Have nothing deployed on hosts whose `suites` were given to them in turn."""
    for host, suite in zip(hosts, itertools.cycle(suites.split(",")), strict=False):
        unit = looking.units(host, (CONSUMER,))[CONSUMER]
        if set(looking.transactions(host)) - {"rolled_back"} or unit["LoadState"] != "not-found":
            lab.renew(host, suite)


@pytest.fixture(scope="module")
def laptop(lab_hosts, tmp_path_factory) -> Iterator[Laptop]:
    """A laptop with an inventory of the lab; nothing is deployed on the hosts before and after."""
    lab.up()
    renew_where_something_is_left(lab_hosts)
    one = Laptop(tmp_path_factory.mktemp("laptop"), lab_hosts)
    one.password.touch(mode=0o600)
    one.password.write_text("correct-horse-battery")
    one.write_inventory()
    yield one
    lab.up()
    one.rolls_everything_back()


@pytest.fixture(scope="module")
def deployed(laptop) -> Laptop:
    """The same laptop, after a first deploy."""
    assert laptop.asks("deploy")["state"] == "committed"
    return laptop
