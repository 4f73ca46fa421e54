"""The sshd of a deploy's session is killed on the host while a release is sent."""

from __future__ import annotations

from fault_injection.deploys.sshd import LEAST_KIB, MOST_KIB
from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Kill it when it has read so much."""
    after_kib = aim.chance.between(LEAST_KIB, MOST_KIB)
    return aim.deploy("kill_sshd", host=aim.target.host, after_kib=after_kib)


FAULT = Fault(
    name="kill_sshd",
    family="deploy",
    breaks=__doc__,
    words=acts,
    injected="SIGKILL to the sshd of a session that has read so much, while a new release is sent",
    observed="whoever watches on the host tells which process it killed",
    undone="sshd itself goes on, and nothing stays behind; seen when the next deploy commits",
    threatens=("all_old_or_all_new", "running_what_was_deployed"),
    needs=("own sshd",),
    by=LAPTOP,
    lasts_s=(30, 40),
)
