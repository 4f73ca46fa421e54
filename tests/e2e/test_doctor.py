"""What doctor says before there is anything to look at."""

from __future__ import annotations


def test_before_the_first_deploy_it_says_so_and_a_broken_inventory_is_one_line_with_a_next_step(
    person,
):
    told = person.types("doctor", code=None)
    assert "nothing is deployed yet" in told.stdout
    assert "next: invoke deploy" in told.stdout
    assert "box  ok      release lock  consumers.txt" in told.stdout
    assert not (person.root / "var/lib/quantum-ops/tx").exists()
    assert not (person.folder / "records").exists()

    text = person.inventory.read_text()
    person.inventory.write_text(text.replace("mode: sandbox", "mode: open"))
    (line,) = [each for each in person.asks("doctor", code=3)["lines"] if each["state"] == "wrong"]
    assert (line["where"], line["what"]) == ("laptop", "inventory")
    assert "mode is one of" in line["next"]
    person.inventory.write_text(text)
