"""What is planned is what changes: no more, no less, and nothing is left for a second plan."""

import contextlib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.contact import Contact
from harness.deploying import Wanted, apply, prepare
from harness.desired import compose
from harness.errors import AgentError
from harness.host import Host
from harness.resources import Directory, File, Symlink, Unit
from tests.agent.worlds import META, tree
from tests.oracles.scale import sized

#: How many generated hosts.
HOSTS = sized(10, 1_000)
UNITS = "/etc/systemd/system"
WANTS = f"{UNITS}/multi-user.target.wants"
PLACES = ("/etc/t/a", "/etc/t/b", "/etc/t/deep/c", "/etc/t/deep/er/d", "/etc/ü t/e")
kinds = st.sampled_from(["absent", "file", "dir", "symlink"])
contents = st.sampled_from([b"", b"one\n", b"two\n", b"\0\xff"])
modes = st.sampled_from([0o644, 0o600, 0o4755, 0o700])
states = st.tuples(kinds, contents, modes)
#: place -> what is there, and what is wanted there
hosts = st.dictionaries(st.sampled_from(PLACES), st.tuples(states, states), min_size=1)
units = st.lists(
    st.tuples(st.sampled_from(["absent", "running", "stopped"]), st.booleans()), max_size=2
)
HOST = Host("h", "generated", "testnet", ())


def render(source, _host, extra):
    return f"[Service]\nExecStart=/bin/true\nEnvironment=OF={source}\n"


def lay(path, kind, content, mode):
    """Make what was there; a directory takes the place of nothing and of itself only."""
    if kind == "absent" or path.exists() or path.is_symlink():
        return
    with contextlib.suppress(FileExistsError, NotADirectoryError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "symlink":
            path.symlink_to(f"to-{len(content)}")
        elif kind == "dir":
            path.mkdir(mode=mode)
        else:
            path.write_bytes(content)
            path.chmod(mode)


def resource(path, kind, content, mode):
    if kind == "symlink":
        return Symlink(path, f"to-{len(content)}")
    return Directory(path, mode) if kind == "dir" else File(path, content, mode)


def contact(world):
    session = world.session()
    said = session.hello_said
    return Contact(
        HOST, None, session, said["facts"], said["manifest"], said["transactions"],
        said["unfinished"], said["lock"],
    )  # fmt: skip


def compared(found):
    """Return a tree as a plan compares it: without times and attributes; a link's mode is none."""
    return {f"/{name}": (state[:3], state[4]) for name, state in found.items()}


def changed(before, after):
    one, other = compared(before), compared(after)
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


def irreplaceable(step):
    """Tell a step that would put a file in a directory's place, or the other way round."""
    there = step.words.get("before", {"kind": "absent"})["kind"]
    return there != "absent" and "dir" in {there, step.do} and there != step.do


def lay_unit(world, name, was, *, enabled):
    if was != "absent":
        world.write(f"{UNITS}/{name}", "[Service]\nExecStart=/bin/true\n")
    if was == "running":
        world.services.start(name)
    if enabled:
        world.at(WANTS).mkdir(exist_ok=True)
        world.at(f"{WANTS}/{name}").symlink_to(f"{UNITS}/{name}")


@settings(
    max_examples=HOSTS, derandomize=True, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(drawn=hosts, services=units)
@example(drawn={"/etc/t/a": (("dir", b"", 0o700), ("file", b"", 0o644))}, services=[])
def plan_then_apply(new_world, drawn, services):
    world = new_world()
    wanted = []
    for path, (there, asked) in drawn.items():
        lay(world.at(path), *there)
        if asked[0] != "absent":
            wanted.append(resource(path, *asked))
    names = [f"quantum-u{number}.service" for number in range(len(services))]
    for name, (was, enabled) in zip(names, services, strict=True):
        lay_unit(world, name, was, enabled=enabled)
        wanted.append(Unit(name, "units/u", "u"))
    want = Wanted(compose(HOST, wanted, "", render), None)
    before, ran = tree(world.root), {name: world.services.show(name) for name in names}
    one = contact(world)
    prepared = prepare(one, want)
    steps = prepared.plan.steps
    assert tree(world.root) == before  # to plan is to look
    if any(irreplaceable(step) for step in steps):
        with pytest.raises(AgentError, match=r"is a directory|is no directory but a"):
            apply(prepared, "t1", META)
        assert tree(world.root) == before
        assert {name: world.services.show(name) for name in names} == ran
        world.close()
        return
    if steps:
        apply(prepared, "t1", META)
        one.session.commit("t1")
    planned = {step.words["path"] for step in steps if "path" in step.words}
    assert changed(before, tree(world.root)) == planned
    restarted = {n for n in names if world.services.show(n)["invocation"] != ran[n]["invocation"]}
    assert restarted == set(prepared.plan.restarts)
    two = contact(world)
    again = prepare(two, want).plan
    assert (again.steps, again.drifted) == ((), ())
    if steps:
        two.session.rollback()
    assert tree(world.root) == before
    world.close()


def test_what_is_planned_is_what_changes(new_world, record_property):
    record_property("hosts", HOSTS)
    plan_then_apply(new_world=new_world)
