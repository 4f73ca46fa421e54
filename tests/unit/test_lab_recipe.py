"""What decides a lab's image: the machine's own sources, with the suite substituted."""

import pytest
import yaml

from harness.errors import LabError
from lab import describing, places, prerequisites, sources
from lab import hosts as lab

MODERN = """\
# the main archive
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://others.example/apt
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""

CLASSIC = """\
# deb http://old.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm-updates main
deb-src http://mirror.example/debian bookworm main
deb http://others.example/apt bookworm-pgdg main
"""


def test_deb822_sources_keep_the_mirror_and_change_the_suite():
    text = sources.deb822(MODERN, "bookworm", "trixie")
    assert "Suites: trixie trixie-updates\n" in text
    assert "Suites: trixie-security\n" in text
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" in text
    assert text.count("URIs:") == 2
    assert "deb-src" not in text
    assert "bookworm" not in text


def test_one_line_sources_keep_their_options_and_change_the_suite():
    assert sources.one_line(CLASSIC, "bookworm", "trixie") == (
        "deb http://mirror.example/debian trixie main contrib\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian trixie-updates main\n"
    )


def test_both_shapes_are_read_from_a_machine(tmp_path):
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "debian.sources").write_text(MODERN)
    (tmp_path / "sources.list").write_text(CLASSIC)
    (folder / "old.list.disabled").write_text("deb http://no.example/ bookworm main\n")
    found = sources.read(tmp_path, "bookworm", "bookworm")
    assert set(found) == {"lab.sources", "lab.list"}
    assert "no.example" not in str(found)


def test_a_machine_without_a_fitting_source_is_refused(tmp_path):
    (tmp_path / "sources.list").write_text("deb http://mirror.example/debian stretch main\n")
    with pytest.raises(LabError, match="no source for 'bookworm'"):
        sources.read(tmp_path, "bookworm", "bookworm")


@pytest.mark.parametrize(
    ("machine", "names"),
    [
        ({"uid": 1000}, ["root"]),
        ({"release": {"ID": "fedora"}}, ["Debian"]),
        ({"system": "Darwin", "release": {}, "uid": 501}, ["Debian", "root"]),
        ({"has_cgroup2": False}, ["cgroup2"]),
        ({}, []),
    ],
)
def test_what_a_machine_lacks_is_named(machine, names):
    fine = {"uid": 0, "release": {"ID": "debian"}, "has_cgroup2": True, "system": "Linux"}
    wants = prerequisites.missing(**(fine | machine))
    assert len(wants) == len(names)
    assert all(name in want for name, want in zip(names, wants, strict=True))


@pytest.mark.parametrize("verb", [lab.up, lab.down])
def test_without_root_the_lab_says_so_and_what_to_use_instead(monkeypatch, verb):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="root") as caught:
        verb()
    assert "-i sandbox" in caught.value.action


def test_the_usual_inventory_says_what_the_written_one_would():
    from pathlib import Path

    shipped = yaml.safe_load((Path(__file__).parents[2] / "inventory/lab.yml").read_text())
    written = yaml.safe_load(describing.inventory(places.first(places.USUAL_HOSTS)))
    assert shipped == written
