"""Whatever was there before a deploy is there again after its rollback."""

import os
import string
import struct

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.agent.worlds import absent, file, folder, link, tree
from tests.needing import not_tested
from tests.oracles.scale import sized

#: How many generated trees, and hosts with generated units.
TREES, UNITS = sized(25, 1_000), sized(10, 1_000)
LETTERS = string.ascii_letters + "åß日😀 .-_@'\"\\$"
names = st.text(LETTERS, min_size=1, max_size=12).filter(lambda n: n.strip(".")) | st.sampled_from(
    ["n" * 255, "å" * 127, "-rf", " ", "a\tb", "*"]
)
modes = st.sampled_from([0o644, 0o600, 0o000, 0o777, 0o4755, 0o2750, 0o1777, 0o444])
contents = st.sampled_from([b"", b"\0\xff", b"text\n", "ünï\n".encode(), b"x" * 70_000])
times = st.integers(0, 2 * 10**18)
owners = st.sampled_from([(0, 0), (1, 0), (65534, 65534), (4_000_000, 7)])


def acl(*entries: tuple[int, int, int]) -> bytes:
    """Return an access control list as the kernel keeps it: (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xFFFFFFFF
#: user::rw-, user:1:r--, group::r--, group:7:rw-, mask::rw-, other::---
ACCESS = acl(
    (1, 6, NOBODY), (2, 4, 1), (4, 4, NOBODY), (8, 6, 7), (16, 6, NOBODY), (32, 0, NOBODY)
)  # fmt: skip
MARKS = {
    "user.marked": b"\0yes",
    "trusted.empty": b"",
    "system.posix_acl_access": ACCESS,
}
#: What every new entry of a directory is given of its own accord.
INHERITED = {"system.posix_acl_default": ACCESS}
marks = st.sets(st.sampled_from(sorted(MARKS))).map(lambda some: {n: MARKS[n] for n in some})
folder_marks = st.sets(st.sampled_from(sorted(MARKS | INHERITED))).map(
    lambda some: {name: (MARKS | INHERITED)[name] for name in some}
)
befores = st.one_of(
    st.just(("absent",)),
    st.tuples(st.just("file"), contents, modes, owners, marks, times),
    st.tuples(st.just("link"), st.sampled_from(["x", "/nowhere/ü", "."]), owners, times),
    st.tuples(st.just("dir"), modes, owners, folder_marks, times),
)
entries = st.dictionaries(
    names, st.tuples(befores, st.sampled_from(["file", "link", "dir", "absent"]), contents, modes),
    min_size=1, max_size=6,
)  # fmt: skip


def lay(path, before):
    """Make what a generated entry says was there."""
    kind, *rest = before
    if kind == "absent":
        return
    if kind == "link":
        target, owner, when = rest
        path.symlink_to(target)
        os.lchown(path, *owner)
        os.utime(path, ns=(when, when), follow_symlinks=False)
        return
    if kind == "file":
        path.write_bytes(rest.pop(0))
    else:
        path.mkdir()
    mode, owner, marked, when = rest
    os.chown(path, *owner)
    path.chmod(mode)
    for name, value in marked.items():
        os.setxattr(path, name, value)
    os.utime(path, ns=(when, when))


def step(path, before, do, content, mode):
    """Return a step that may run on what was laid; some kinds never replace each other."""
    if do == "dir" and before in {"absent", "dir"}:
        return folder(path, mode)
    if before == "dir":
        return absent(path)
    if do == "link":
        return link(path, "new")
    return absent(path) if do == "absent" else file(path, content, mode)


@settings(
    max_examples=TREES, derandomize=True, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(top=entries, inner=entries, inherited=st.booleans())
def deploy_then_rollback(new_world, top, inner, inherited):
    world = new_world()
    base = world.at("/etc/t")
    (base / "sub").mkdir(parents=True)
    steps = []
    for where, some in ((base, top), (base / "sub", inner)):
        for name, (before, do, content, mode) in some.items():
            if (where, name) in {(base, "sub"), (base, "made")}:
                continue
            lay(where / name, before)
            path = f"/{(where / name).relative_to(world.root)}"
            steps.append(step(path, before[0], do, content, mode))
    steps += [folder("/etc/t/made", 0o700), folder("/etc/t/made/" + "d" * 255, 0o2000)]
    steps += [file(f"/etc/t/made/{'d' * 255}/{'m' * 255}"), link("/etc/t/made/ü", "x" * 4000)]
    if inherited:
        os.setxattr(base, "system.posix_acl_default", ACCESS)
    os.utime(base, ns=(12345, 67890))
    before = tree(world.root)
    session = world.session()
    world.apply(session, sorted(steps, key=lambda one: one["do"] != "dir"))
    session.commit("t1")
    after = tree(world.root)
    session.rollback()
    assert tree(world.root) == before
    assert after != before
    session.close()
    world.close()


def test_deploy_then_rollback_is_the_identity(new_world, record_property):
    if os.getuid() != 0:
        not_tested("odd modes lock everyone but root out")
    record_property("trees", TREES)
    deploy_then_rollback(new_world=new_world)


def unit_text(tag, *, starts=True):
    return (
        f"[Service]\nExecStart=/bin/{str(starts).lower()}\nEnvironment=QUANTUM_UNIT_DIGEST={tag}\n"
    )


#: Whether a unit was there, ran, and was enabled; what is asked of it; and how that ends.
fates = st.tuples(
    st.sampled_from(["absent", "stopped", "running", "failed"]), st.booleans(),
    st.sampled_from(["restart", "start", "stop", "none"]), st.booleans(), st.booleans(),
)  # fmt: skip
WANTS = "/etc/systemd/system/multi-user.target.wants"


def states_of(world, units):
    return {
        unit: {key: world.services.show(unit)[key] for key in ("load", "active", "environ")}
        for unit in units
    }


@settings(
    max_examples=UNITS, derandomize=True, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(drawn=st.lists(fates, min_size=1, max_size=4), gives_up=st.booleans())
def settle_then_rollback(new_world, drawn, gives_up):
    world = new_world()
    world.at(WANTS).mkdir()
    steps, actions = [], []
    units = [f"quantum-u{number}@1.service" for number in range(len(drawn))]
    for unit, (was, enabled, action, changes, enables) in zip(units, drawn, strict=True):
        path, wanted = f"/etc/systemd/system/{unit}", f"{WANTS}/{unit}"
        if was != "absent":
            world.write(path, unit_text("old", starts=was != "failed"))
        if was in {"running", "failed"}:
            world.services.start(unit)
        if enabled:
            world.at(wanted).symlink_to(f"../{unit}")
        if changes or was == "absent":
            steps.append(file(path, unit_text("new"), 0o644))
        if enables != enabled:
            steps.append(link(wanted, f"../{unit}") if enables else absent(wanted))
        startable = changes or was != "failed"
        actions.append({"name": unit, "action": action if startable else "none", "wait_s": 20})
    steps.append({"do": "settle", "reload": True, "units": actions})
    before, ran = tree(world.root), states_of(world, units)
    invocations = {unit: world.services.show(unit)["invocation"] for unit in units}
    session = world.session()
    world.apply(session, steps)
    if gives_up:  # the laptop leaves before it has committed
        session.close()
    else:
        session.commit("t1")
        session.rollback()
    now = states_of(world, units)
    for unit, one in zip(units, actions, strict=True):
        # what had failed is stopped: its failure was of a file that may be another one since
        was = ran[unit] if ran[unit]["active"] != "failed" else ran[unit] | {"active": "inactive"}
        assert now[unit] in (ran[unit], was)
        if one["action"] == "none":
            assert world.services.show(unit)["invocation"] == invocations[unit]
    assert tree(world.root) == before
    world.close()


def test_units_are_enabled_and_active_again_as_they_were(new_world, record_property):
    record_property("hosts", UNITS)
    settle_then_rollback(new_world=new_world)
