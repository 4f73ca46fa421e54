"""The small parts: telling systemd, growing batches, waiting between attempts."""

import contextlib
import itertools
import os
import random
import socket

import pytest

from consumers.loop.connecting import FIRST_WAIT_S, LAST_WAIT_S, refuse_old, waits
from consumers.loop.failing import StartError
from consumers.loop.heartbeat import here
from consumers.loop.notifying import Notifier
from consumers.loop.sizing import SCRIPT_S, SMALLEST, next_size
from consumers.loop.stopping import Stop


@pytest.fixture
def systemd(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "n"))
        heard.setblocking(False)
        yield str(tmp_path / "n"), lambda: heard.recv(4096).decode()


def test_systemd_is_told(systemd):
    address, hear = systemd
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready()
    assert hear() == "READY=1"
    notifier.status("counting")
    notifier.status("counting")
    notifier.stopping()
    assert [hear(), hear()] == ["STATUS=counting", "STOPPING=1"]


def test_an_abstract_address_is_understood():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0quantum-test-{os.getpid()}")
        Notifier({"NOTIFY_SOCKET": f"@quantum-test-{os.getpid()}"}).ready()
        assert heard.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_said_and_nothing_breaks(tmp_path):
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}):
        notifier = Notifier(environ)
        notifier.ready()
        notifier.progress()
        notifier.stopping()


def test_the_watchdog_is_fed_four_times_in_its_deadline_however_fast_the_loop(systemd):
    address, hear = systemd
    now = itertools.count(0, 0.01)
    notifier = Notifier(
        {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000000"}, clock=lambda: next(now)
    )
    for _ in range(100):
        notifier.progress()
    assert [hear(), hear()] == ["WATCHDOG=1", "WATCHDOG=1"]
    for _ in range(3):
        with contextlib.suppress(BlockingIOError):
            hear()
    with pytest.raises(BlockingIOError):
        hear()


def test_a_watchdog_of_another_process_is_not_fed(systemd):
    address, hear = systemd
    Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}).progress()
    with pytest.raises(BlockingIOError):
        hear()


def test_batches_shrink_while_scripts_take_long_and_grow_while_they_do_not():
    size = 1_000
    for _ in range(50):
        size = next_size(size, size, size * SCRIPT_S / 300, 1_000)
    assert 290 <= size <= 310
    for _ in range(50):
        size = next_size(size, size, size * SCRIPT_S / 5_000, 1_000)
    assert size == 1_000


def test_batches_stay_between_their_ends():
    assert next_size(SMALLEST, SMALLEST, 60, 1_000) == SMALLEST
    assert next_size(50, 50, 60, 50) == 50
    assert next_size(500, 3, 60, 1_000) == 500
    assert next_size(500, 500, -1, 1_000) <= 1_000


def test_waits_double_up_to_an_end_and_never_agree():
    first = list(itertools.islice(waits(random.Random(1)), 12))
    assert FIRST_WAIT_S / 2 <= first[0] <= FIRST_WAIT_S
    assert all(LAST_WAIT_S / 2 <= each <= LAST_WAIT_S for each in first[-4:])
    assert first != list(itertools.islice(waits(random.Random(2)), 12))


@pytest.mark.parametrize("version", ["7.0.15", "7.2.4", "8.0.0", "10.1"])
def test_servers_new_enough_will_do(version):
    refuse_old({"redis_version": version})


@pytest.mark.parametrize("version", ["6.2.14", "6.0", "5", "", "0"])
def test_servers_too_old_will_not(version):
    with pytest.raises(StartError, match="too old"):
        refuse_old({"redis_version": version})


def test_a_stop_ends_a_wait():
    stop = Stop()
    assert not stop
    stop._hear()
    stop.wait(3_600)
    assert stop


def test_a_place_is_the_same_for_all_processes_of_a_host():
    assert here() == here()
