"""Whatever was there before a deploy is there again after its rollback."""

import os
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.agent.worlds import absent, file, folder, link, tree

LETTERS = string.ascii_letters + "åß日😀 .-_@'\"\\$"
names = st.text(LETTERS, min_size=1, max_size=12).filter(lambda n: n.strip(".")) | st.sampled_from(
    ["n" * 255, "å" * 127, "-rf", " ", "a\tb", "*"]
)
modes = st.sampled_from([0o644, 0o600, 0o000, 0o777, 0o4755, 0o2750, 0o1777, 0o444])
contents = st.sampled_from([b"", b"\0\xff", b"text\n", "ünï\n".encode(), b"x" * 70_000])
times = st.integers(0, 2 * 10**18)
befores = st.one_of(
    st.just(("absent",)),
    st.tuples(st.just("file"), contents, modes, times, st.booleans()),
    st.tuples(st.just("link"), st.sampled_from(["x", "/nowhere/ü", "."]), times),
    st.tuples(st.just("dir"), modes, times),
)
entries = st.dictionaries(
    names, st.tuples(befores, st.sampled_from(["file", "link", "dir", "absent"]), contents, modes),
    min_size=1, max_size=6,
)  # fmt: skip


def lay(path, before):
    kind, *rest = before
    if kind == "file":
        content, mode, when, marked = rest
        path.write_bytes(content)
        if marked:
            os.setxattr(path, "user.marked", b"\0yes")
        path.chmod(mode)
        os.utime(path, ns=(when, when))
    elif kind == "link":
        path.symlink_to(rest[0])
        os.utime(path, ns=(rest[1], rest[1]), follow_symlinks=False)
    elif kind == "dir":
        path.mkdir()
        path.chmod(rest[0])
        os.utime(path, ns=(rest[1], rest[1]))


def step(path, before, do, content, mode):
    """Return a step that may run on what was laid; some kinds never replace each other."""
    if do == "dir" and before in {"absent", "dir"}:
        return folder(path, mode)
    if before == "dir":
        return absent(path)
    if do == "link":
        return link(path, "new")
    return absent(path) if do == "absent" else file(path, content, mode)


@pytest.mark.skipif(os.getuid() != 0, reason="NOT TESTED: odd modes lock everyone but root out")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(top=entries, inner=entries)
def test_deploy_then_rollback_is_the_identity(new_world, top, inner):
    world = new_world()
    base = world.at("/etc/t")
    (base / "sub").mkdir(parents=True)
    steps = []
    for where, some in ((base, top), (base / "sub", inner)):
        for name, (before, do, content, mode) in some.items():
            if (where, name) == (base, "sub"):
                continue
            lay(where / name, before)
            path = f"/{(where / name).relative_to(world.root)}"
            steps.append(step(path, before[0], do, content, mode))
    steps += [folder("/etc/t/made", 0o700), file("/etc/t/made/" + "m" * 255)]
    os.utime(base, ns=(12345, 67890))
    before = tree(world.root)
    world.deploy(sorted(steps, key=lambda one: one["do"] != "dir"))
    after = tree(world.root)
    session = world.session()
    session.rollback()
    assert tree(world.root) == before
    assert after != before
    session.close()
    world.close()
