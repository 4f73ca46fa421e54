"""A release is the same bytes wherever it is built, and holds what its target needs."""

from __future__ import annotations

import io
import platform
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from harness.agent.releases import tree_digest
from harness.desired import needs_release
from harness.errors import ReleaseError
from harness.releases import build
from harness.releases import building as releases
from harness.releases import locks as release_locks
from harness.releases import trees as release_trees
from harness.releases.locks import Target, explained, lock_of, target_of, words_for
from harness.resources import Release

PROJECT = Path(__file__).resolve().parents[2]
BOOKWORM, TRIXIE = Target("3.11.2", "x86_64"), Target("3.13.5", "x86_64")
HERE = Target(platform.python_version(), platform.machine(), sys.platform, here=True)
WHEELS = {"redis/__init__.py": b"x = 1\n", "redis-1.dist-info/METADATA": b"Name: redis\n"}


def checkout(folder: Path) -> Path:
    """Make a small project with streams/ and consumers/ in it."""
    for package in ("streams", "consumers"):
        (folder / package / "scripts").mkdir(parents=True)
        (folder / package / "__init__.py").write_text(f'"""{package}."""\n')
    (folder / "streams/scripts/count.lua").write_text("return 1\n")
    (folder / "consumers/README.md").write_text("not released\n")
    (folder / "consumers/__pycache__").mkdir()
    (folder / "consumers/__pycache__/x.py").write_text("")
    (folder / "consumers/.hidden.py").write_text("")
    return folder


class Fetch:
    """Stands in for pip, and counts."""

    def __init__(self) -> None:
        self.asked: list[Target] = []

    def __call__(self, target: Target, lock: Path) -> dict[str, bytes]:
        assert lock.is_file()
        self.asked.append(target)
        return dict(WHEELS)


def made(tmp_path: Path, sources: Path, fetch: Fetch | None = None) -> releases.Release:
    return build(BOOKWORM, sources, cache=tmp_path / "cache", fetch=fetch or Fetch())


def test_two_checkouts_and_two_caches_give_identical_bytes(tmp_path):
    one = build(BOOKWORM, checkout(tmp_path / "a"), cache=tmp_path / "c1", fetch=Fetch())
    two = build(BOOKWORM, checkout(tmp_path / "b/deeper"), cache=tmp_path / "c2", fetch=Fetch())
    assert one == two
    assert one.archive == two.archive


def test_it_holds_sources_and_dependencies_and_nothing_else(tmp_path):
    release = made(tmp_path, checkout(tmp_path / "a"))
    assert [path for path, _, _ in release.tree] == [
        "consumers/__init__.py",
        "redis-1.dist-info/METADATA",
        "redis/__init__.py",
        "streams/__init__.py",
        "streams/scripts/count.lua",
    ]


def test_the_archive_carries_nothing_of_the_machine_it_was_made_on(tmp_path):
    release = made(tmp_path, checkout(tmp_path / "a"))
    with tarfile.open(fileobj=io.BytesIO(release.archive)) as tar:
        for entry in tar:
            assert (entry.mtime, entry.uid, entry.gid, entry.uname) == (0, 0, 0, "")
            assert entry.mode == 0o644
    assert release.archive[4:8] == bytes(4), "no time in gzip's header"


def test_the_agent_finds_the_same_digest_in_the_unpacked_tree(tmp_path):
    release = made(tmp_path, checkout(tmp_path / "a"))
    with tarfile.open(fileobj=io.BytesIO(release.archive)) as tar:
        tar.extractall(tmp_path / "out")
    assert tree_digest(str(tmp_path / "out")) == release.digest


def test_any_change_of_a_source_changes_the_digest_and_asks_pip_nothing(tmp_path):
    sources, fetch = checkout(tmp_path / "a"), Fetch()
    before = made(tmp_path, sources, fetch)
    (sources / "streams/scripts/count.lua").write_text("return 2\n")
    after = made(tmp_path, sources, fetch)
    assert before.digest != after.digest
    assert len(fetch.asked) == 1


def test_another_target_has_other_dependencies(tmp_path):
    sources, fetch, cache = checkout(tmp_path / "a"), Fetch(), tmp_path / "cache"
    for target in (BOOKWORM, TRIXIE, BOOKWORM):
        build(target, sources, cache=cache, fetch=fetch)
    assert fetch.asked == [BOOKWORM, TRIXIE]


def test_a_damaged_cache_is_made_anew(tmp_path):
    sources, fetch = checkout(tmp_path / "a"), Fetch()
    before = made(tmp_path, sources, fetch)
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert made(tmp_path, sources, fetch).archive == before.archive
    assert len(fetch.asked) == 2


@pytest.mark.parametrize("which", ["release-*", "noted-*", "dependencies-*"])
def test_one_damaged_part_of_the_cache_changes_no_release(tmp_path, which):
    sources, fetch = checkout(tmp_path / "a"), Fetch()
    before = made(tmp_path, sources, fetch)
    (path,) = (tmp_path / "cache").glob(which)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert made(tmp_path, sources, fetch) == before


def test_what_was_built_once_is_neither_fetched_nor_packed_again(tmp_path, monkeypatch):
    sources, fetch = checkout(tmp_path / "a"), Fetch()
    before = made(tmp_path, sources, fetch)
    monkeypatch.setattr(release_trees, "pack", None)
    monkeypatch.setattr(release_trees, "unpack", None)
    assert made(tmp_path, sources, fetch) == before
    assert len(fetch.asked) == 1


def test_many_builds_at_once_agree(tmp_path):
    sources = checkout(tmp_path / "a")
    with ThreadPoolExecutor(8) as pool:
        built = list(pool.map(lambda _: made(tmp_path, sources), range(16)))
    assert len({release.blob_sha256 for release in built}) == 1
    assert not list((tmp_path / "cache").glob(".*")), "no temporary file is left"


def test_old_archives_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(releases, "MOST_ARCHIVES", 2)
    sources = checkout(tmp_path / "a")
    for number in range(4):
        (sources / "streams/n.py").write_text(f"N = {number}\n")
        made(tmp_path, sources)
    assert len(list((tmp_path / "cache").glob("release-*"))) == 2
    assert len(list((tmp_path / "cache").glob("noted-*"))) == 2


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", ">>>>>>> branch"])
def test_merge_markers_are_refused_with_file_and_line(tmp_path, marker):
    sources = checkout(tmp_path / "a")
    (sources / "consumers/x.py").write_text(f"a = 1\n{marker}\n")
    with pytest.raises(ReleaseError, match=r"consumers/x\.py:2 holds a merge marker"):
        made(tmp_path, sources)


def test_a_heading_underlined_in_a_docstring_is_no_merge_marker(tmp_path):
    sources = checkout(tmp_path / "a")
    (sources / "consumers/x.py").write_text('"""Title\n=======\n"""\n')
    made(tmp_path, sources)


def test_links_are_refused(tmp_path):
    sources = checkout(tmp_path / "a")
    (sources / "consumers/x.py").symlink_to("/etc/passwd")
    with pytest.raises(ReleaseError, match="no plain file"):
        made(tmp_path, sources)


def test_a_folder_without_sources_is_refused(tmp_path):
    with pytest.raises(ReleaseError, match=r"consumers/__init__\.py"):
        made(tmp_path, tmp_path)


def test_a_dependency_named_like_one_of_ours_is_refused(tmp_path):
    with pytest.raises(ReleaseError, match="brings its own streams"):
        build(
            BOOKWORM, checkout(tmp_path / "a"), cache=tmp_path / "c",
            fetch=lambda _target, _lock: {"streams/evil.py": b""},
        )  # fmt: skip


def test_a_target_without_a_lock_says_which_to_add():
    with pytest.raises(ReleaseError) as caught:
        lock_of(Target("3.12.9", "riscv64"))
    assert "requirements/hosts/python-3.12.9-linux-riscv64.txt" in caught.value.cause
    assert "make lock" in caught.value.action


def test_the_sandbox_takes_the_lock_with_markers():
    assert lock_of(HERE).name == "consumers.txt"
    assert "--platform" not in words_for(HERE, lock_of(HERE), Path("x"))


def test_a_host_gets_wheels_for_itself_and_not_for_the_laptop():
    words = words_for(BOOKWORM, lock_of(BOOKWORM), Path("x"))
    assert "manylinux_2_28_x86_64" in words
    assert words[words.index("--python-version") + 1] == "3.11.2"
    assert {"--require-hashes", "--no-deps", "--only-binary", "--no-compile"} <= set(words)


def test_the_full_version_decides_what_comes_along():
    """redis-py needs async-timeout below 3.11.3, and Debian 12 has 3.11.2."""
    assert "async-timeout==" in lock_of(BOOKWORM).read_text()
    assert "async-timeout==" not in lock_of(TRIXIE).read_text()


@pytest.mark.parametrize("target", [BOOKWORM, TRIXIE, HERE])
def test_only_who_asks_for_the_exchange_s_library_carries_it(target):
    with_it = lock_of(replace(target, extra="exchange")).read_text()
    assert "python-binance==" in with_it
    assert "redis==" in with_it
    assert "python-binance==" not in lock_of(target).read_text()


def test_one_service_s_extra_is_its_host_s():
    assert needs_release([]) is None
    assert needs_release([Release("a")]) == ""
    assert needs_release([Release("a"), Release("b", "exchange"), Release("c")]) == "exchange"


def test_a_target_is_read_from_facts():
    facts = {"python": "3.11.2", "machine": "x86_64", "system": "linux", "services": "systemd"}
    assert target_of(facts) == BOOKWORM
    here = {"python": HERE.python, "machine": HERE.machine, "system": HERE.system}
    assert target_of({**here, "services": "supervisor"}) == HERE


def test_another_python_than_cpython_is_refused():
    facts = {"python": "3.11.2", "machine": "x86_64", "system": "linux", "implementation": "pypy"}
    with pytest.raises(ReleaseError, match="pypy"):
        target_of(facts)


def test_a_sandbox_of_another_python_is_refused():
    facts = {"python": "3.9.0", "machine": "x", "system": "linux", "services": "supervisor"}
    with pytest.raises(ReleaseError, match=r"Python 3\.9\.0"):
        target_of(facts)


LOCK = Path("requirements/hosts/python-3.11.2-linux-x86_64.txt")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "differs"),
        ("ERROR: No matching distribution found for redis==8.1.0 (from -r x)", "redis==8.1.0"),
        ("connection broken\nERROR: No matching distribution found for x==1", "no wheel of x==1"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left", "full"),
        ("something else\nentirely", "entirely"),
        ("", "no reason"),
    ],
)  # fmt: skip
def test_what_pip_says_becomes_one_line_and_an_action(said, words):
    error = explained(said, LOCK)
    assert words in error.cause
    assert LOCK.name in error.cause
    assert error.action
    assert "\n" not in error.cause


def test_what_pip_notes_about_itself_is_left_out(tmp_path):
    info = tmp_path / "x-1.dist-info"
    (tmp_path / "bin").mkdir()
    (tmp_path / "x/__pycache__").mkdir(parents=True)
    info.mkdir()
    for name in ("bin/tool", "x/__pycache__/a.pyc", "x/b.pyc", "x/a.py", "x/RECORD"):
        (tmp_path / name).write_text("")
    for name in ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "METADATA"):
        (info / name).write_text("")
    assert sorted(release_trees.installed(tmp_path)) == [
        "x-1.dist-info/METADATA", "x/RECORD", "x/a.py",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "present"), [(BOOKWORM, True), (TRIXIE, False), (HERE, False)], ids=str
)
def test_pip_really_fetches_what_the_target_needs(target, present):
    """From the cache where it is there: the same one that deploys use."""
    release = build(target, PROJECT)
    names = {path.split("/")[0] for path, _, _ in release.tree}
    assert {"redis", "hiredis", "structlog", "streams", "consumers"} <= names
    if target is not HERE:
        assert ("async_timeout" in names) is present
    tag = f"cp{''.join(target.python.split('.')[:2])}".replace("cp", "cpython-")
    compiled = [path for path, _, _ in release.tree if path.endswith(".so")]
    assert compiled
    assert all(tag in path for path in compiled)


def test_pip_that_fails_is_one_error_without_a_traceback(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(ReleaseError) as caught:
        release_locks.fetch(BOOKWORM, lock_of(BOOKWORM))
    assert "no wheel of" in caught.value.cause
    assert caught.value.action


def test_a_full_or_forbidden_cache_is_told(tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(ReleaseError) as caught:
        made(tmp_path, checkout(tmp_path / "a"))
    assert str(tmp_path / "cache") in str(caught.value)
