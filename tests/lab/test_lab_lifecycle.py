"""The lab itself: up twice, leftovers of a crash, who may log in, down from anywhere."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from harness.errors import LabError
from lab import booting, breaking, disks, entering, places
from lab import hosts as lab
from lab.places import LabHost
from tests.waiting import until

pytestmark = pytest.mark.lab


def ssh(user: str, address: str, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["ssh", "-F", "none", "-i", places.CLIENT_KEY, "-o", "BatchMode=yes",
         "-o", f"UserKnownHostsFile={places.KNOWN_HOSTS}", f"{user}@{address}", *words],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip


def boot_id(host: LabHost) -> bytes:
    return entering.inside(host, "cat", "/etc/machine-id").stdout


def test_a_second_up_leaves_living_hosts_alone(lab_hosts):
    before = [entering.nspawn(host) for host in lab_hosts]
    lab.up()
    assert [entering.nspawn(host) for host in lab_hosts] == before
    assert None not in before


def test_the_sudo_user_logs_in_and_becomes_root(lab_hosts):
    done = ssh("ops", lab_hosts[0].address, "sudo", "-n", "id", "-u")
    assert (done.returncode, done.stdout.strip()) == (0, "0"), done.stderr


def test_root_cannot_log_in(lab_hosts):
    done = ssh("root", lab_hosts[0].address, "true")
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


def test_redis_is_installed_and_off(lab_hosts):
    for host in lab_hosts:
        said = entering.inside(host, "systemctl", "is-enabled", "redis-server", check=False)
        assert said.stdout.strip() == b"disabled"
        assert entering.inside(host, "test", "-x", "/usr/bin/redis-server").returncode == 0


def test_hosts_have_cgroups_of_their_own(lab_hosts):
    for host in lab_hosts:
        assert (booting.cgroup(host) / "payload/system.slice/ssh.service").is_dir()


def test_a_host_whose_nspawn_was_killed_is_replaced_with_the_rest_of_it_gone(last):
    number = entering.nspawn(last)
    leader = entering.leader(last)
    old = boot_id(last)
    os.kill(number, signal.SIGKILL)
    until(lambda: entering.nspawn(last) is None, what="the end of a killed systemd-nspawn")
    lab.up()
    assert entering.nspawn(last) != number
    assert boot_id(last) != old
    assert not still_runs(leader, last)
    assert len(disks.mounts_of(last)) == 2


def still_runs(pid: int, host: LabHost) -> bool:
    """Is the number still a process that sees the host's old root?"""
    return Path(f"/proc/{pid}/root").exists() and pid != entering.leader(host)


def test_a_number_used_again_is_not_taken_for_the_host(last):
    line = last.process_record.read_text()
    fields = line.split()
    fields[21] = str(int(fields[21]) + 1)
    last.process_record.write_text(" ".join(fields))
    try:
        assert entering.nspawn(last) is None
    finally:
        last.process_record.write_text(line)
    assert entering.nspawn(last) is not None


def test_a_host_comes_back_with_its_disk_after_a_power_cut(last):
    entering.inside(last, "touch", "/etc/kept")
    breaking.power_off(last)
    with pytest.raises(LabError, match="the host is down"):
        entering.inside(last, "true")
    breaking.power_on(last)
    assert entering.inside(last, "test", "-e", "/etc/kept").returncode == 0


def test_a_full_disk_says_so_and_is_as_before_afterwards(last):
    with breaking.full_disk(last):
        done = entering.inside(last, "sh", "-c", "head -c 5000000 /dev/zero >/var/big", check=False)
        assert b"No space left on device" in done.stderr
        entering.inside(last, "rm", "-f", "/var/big")
    entering.inside(last, "sh", "-c", "head -c 5000000 /dev/zero >/var/big && rm /var/big")


def test_a_renewed_host_forgets_everything_but_its_key(last):
    entering.inside(last, "touch", "/etc/forgotten")
    key = last.host_key.read_text()
    lab.renew(last)
    assert entering.inside(last, "test", "-e", "/etc/forgotten", check=False).returncode == 1
    assert last.host_key.read_text() == key
    assert ssh("ops", last.address, "true").returncode == 0


def test_a_full_disk_may_have_a_little_left(last):
    with breaking.full_disk(last, free=1 << 20):
        entering.inside(last, "sh", "-c", "head -c 500000 /dev/zero >/var/fits && rm /var/fits")


def test_down_leaves_nothing_and_twice_is_fine(lab_hosts):
    lab.up()
    assert lab.down() == lab_hosts
    assert lab.down() == ()
    assert not places.RUN.exists()
    assert not booting.cgroup(lab_hosts[0]).parent.exists()
    assert str(places.RUN) not in Path("/proc/self/mountinfo").read_text()
    assert not Path(f"/sys/class/net/{places.BRIDGE}").exists()
    lab.up()


def test_down_after_a_crash_that_lost_all_records_but_the_processes(lab_hosts):
    lab.up()
    for host in lab_hosts:
        host.process_record.unlink()
    assert lab.down() == lab_hosts
    assert not booting.cgroup(lab_hosts[0]).parent.exists()
    lab.up()


def test_another_number_of_hosts_gets_an_inventory_of_its_own(lab_hosts):
    lab.up(2)
    text = places.INVENTORY.read_text()
    assert "lab2: {ansible_host: 10.213.7.12}" in text
    assert "lab3" not in text
    lab.up()
    assert not places.INVENTORY.exists()


@pytest.mark.parametrize("count", [0, -1, places.MOST_HOSTS + 1])
def test_a_count_that_makes_no_sense_is_refused(lab_hosts, count):
    with pytest.raises(LabError, match="hosts, not"):
        lab.up(count)


@pytest.mark.parametrize("suites", ["potato", "bookworm,potato", "bookworm,"])
def test_a_suite_that_there_is_no_image_for_is_refused(lab_hosts, suites):
    with pytest.raises(LabError, match=r"no image for suite '(potato|)'"):
        lab.up(suite=suites)
