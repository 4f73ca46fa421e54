"""Every fault of the catalogue that an agent injects: a real host has it, sees it, and loses it.

Units and folders stand in for the consumers'; the steps are the catalogue's, word for word.
"""

from fault_injection.chance import Chance
from fault_injection.faults import REGISTRY
from fault_injection.faults.fault import AGENT, EXECUTION, REDIS, Aim, Target
from harness.fingerprints import differences
from tests.agent.grounds import LONG_S, PORT
from tests.agent.worlds import META

CONSUMER = Target(host="h", service=EXECUTION, unit="dressed.service", redis_port=PORT)
SERVER = Target(
    host="h", service=REDIS, unit="killed.service", redis_port=PORT, redis_users=(EXECUTION,)
)
ENV_FILE, FOLDERS = "/etc/quantum/execution.env", ("/opt/quantum/releases", "/etc/quantum")


def test_each_fault_of_the_catalogue_takes_effect_and_goes(ground):
    (ground.root / FOLDERS[0].lstrip("/")).mkdir(parents=True, exist_ok=True)
    ground.box.write(ENV_FILE, "A=1\n").chmod(0o640)
    ground.cli("ACL", "SETUSER", EXECUTION, "on", "nopass", "~*", "+@all")
    session = ground.hand()

    def fingerprint():
        return session.fingerprint(
            paths=[ENV_FILE, *FOLDERS], units=(CONSUMER.unit, SERVER.unit),
            servers=[{"port": PORT}],
        )  # fmt: skip

    before, seen = fingerprint(), {}
    for fault in [each for each in REGISTRY.values() if each.by == AGENT]:
        target = SERVER if REDIS in fault.on else CONSUMER
        aim = Aim(target, Chance("every", fault.name), 1000 * fault.lasts_s[1])
        ground.arm(session, fault.name, *fault.words(aim), ttl_s=LONG_S)
        now = session.fault_observe(fault.name)["observed"]
        after = session.fault_undo(fault.name, meta=META)["observed"]
        seen[fault.name] = all(each["on"] for each in now), all(each["gone"] for each in after)
    assert seen == dict.fromkeys(seen, (True, True))
    assert len(seen) >= 20
    assert differences(before, fingerprint()) == []
    ground.cli("ACL", "DELUSER", EXECUTION)
