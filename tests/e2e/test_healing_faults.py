"""Faults of an injector that is no more are undone by typing what a person types."""

from __future__ import annotations

from commands.choosing import choose
from harness.contact import reach_all
from tests.e2e.conftest import free_port

META = {"operator": "ada", "from": "elsewhere"}
DOWN = """\
        gone:
          ansible_host: 127.0.0.1
          ansible_port: {port}
          reach_within_s: 5
"""


def inject(person, name: str, path: str) -> None:
    """Break something and leave; what was broken stays so."""
    chosen = choose(None, str(person.inventory), "box")
    step = {"do": "mode", "path": path, "mode": 0o600}
    with reach_all(chosen.hosts, lambda *_: None) as (contact,):
        said = contact.session.fault_arm(
            name, [step], ttl_s=600, mode="sandbox", inventory="box", meta=META
        )
    assert said["state"] == "active"


def test_what_others_have_broken_is_healed_and_twice_is_fine(person):
    person.types("plan")  # boots the sandbox
    file = person.root / "etc/app.conf"
    file.write_text("one\n")
    file.chmod(0o644)
    assert person.asks("faults.heal") == {"hosts": {"box": {"healed": []}}, "exit_code": 0}

    person.types("faults.allow", code=3)  # nobody sits there to confirm it
    assert person.asks("faults.allow", "--yes")["hosts"]["box"]["password"] is True
    folder = person.root / "etc/quantum"
    marker, password = folder / "faults-allowed", folder / "faults-redis-password"
    assert (marker.stat().st_mode & 0o777, password.stat().st_mode & 0o777) == (0o644, 0o600)
    inject(person, "day-1", "/etc/app.conf")
    assert file.stat().st_mode & 0o777 == 0o600
    marker.unlink()  # healing needs nobody's leave

    text = person.inventory.read_text()
    person.inventory.write_text(text + DOWN.format(port=free_port()))
    said = person.asks("faults.heal", code=1)
    assert said["hosts"]["box"] == {"healed": ["day-1"]}
    assert "gone, connecting" in said["hosts"]["gone"]["error"]
    assert file.stat().st_mode & 0o777 == 0o644
    person.inventory.write_text(text)
    assert "box  no fault" in person.types("faults.heal").stdout
    assert person.asks("faults.forbid")["hosts"]["box"] == {"allowed": False, "healed": []}
    assert not password.exists()
