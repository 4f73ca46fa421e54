"""What doctor says before there is anything to look at, of who does not answer, of a bad file."""

from __future__ import annotations

from tests.e2e.conftest import free_port


def test_before_the_first_deploy_it_says_so_and_each_problem_comes_with_what_to_type(person):
    text = person.inventory.read_text()
    gone = (
        f"  hosts:\n    gone: {{ansible_host: 127.0.0.1, ansible_port: {free_port()},"
        f" known_hosts: {person.folder}/known_hosts, ansible_user: ops}}\n"
    )
    person.inventory.write_text(text + gone)
    told = person.types("doctor", code=1).stdout
    assert "nothing is deployed yet" in told
    assert "next: invoke deploy" in told
    assert "box  ok      release lock  consumers.txt" in told
    assert "gone  wrong   host key" in told
    assert "next: invoke hosts.trust" in told
    assert "gone  wrong   connect" in told
    assert "something is wrong: " in told
    assert not (person.root / "var/lib/quantum-ops/tx").exists()
    assert not (person.folder / "records").exists()

    person.inventory.write_text(text.replace("mode: sandbox", "mode: open"))
    (line,) = [each for each in person.asks("doctor", code=3)["lines"] if each["state"] == "wrong"]
    assert (line["where"], line["what"]) == ("laptop", "inventory")
    assert "mode is one of" in line["next"]
    person.inventory.write_text(text)
