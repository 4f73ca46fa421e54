"""Every failpoint that the consumers have, killed there beside whatever else goes wrong."""

import random
from collections import Counter

import pytest

from consumers import execution
from fault_injection.faults import fault, kill_at_failpoint
from proofs.finding import Verdict
from tests.kill_matrix import services
from tests.kill_matrix.cases import COMPANIONS, NONE, Case, sample, whole
from tests.kill_matrix.points import points, service_of
from tests.kill_matrix.running import Run
from tests.oracles.scale import SOAK, sized
from tests.servers import KINDS, started

SEED = 20261121
#: The exchange outlives the servers: on the next one nothing has a name that it knows.
APART = 10_000_000
PREFIXES = {
    fault.EXECUTION: "execution", fault.ROUTER: "router",
    fault.DECISION_INTELLIGENCE: "decision_intelligence",
}  # fmt: skip
#: They are on no entry's way from being read to being settled.
OFF_THE_WAY = ("protect", "skip", "catch_up")
SERVICES = sorted({service_of(point) for point in points()})


def through(cases, server, start, simulator):
    """Live through cases on one server; return how often points were visited, and what is wrong."""
    visited, wrong = Counter(), {}
    for case in cases:
        service = services.of(case, simulator)
        if service is not None:
            found = Run(case, service, server, start).judged()
            visited[case.point] += found.visited
            if found.wrong:
                wrong[case] = found.wrong
    return visited, wrong


def unvisited(every, visited):
    """Return the points that no case has visited."""
    return [point for point in every if not visited[point]]


@pytest.mark.timeout(sized(300, 7_200))
@pytest.mark.parametrize("kind", KINDS if SOAK else ["drawn"])
@pytest.mark.parametrize("service", SERVICES)
def test_killed_at_any_point_it_loses_and_doubles_nothing(
    service, kind, consumer, simulator, say, record_property
):
    kind = random.Random(f"{SEED}{service}").choice(KINDS) if kind == "drawn" else kind
    every = [point for point in points() if service_of(point) == service]
    seed = SEED + APART * [*KINDS, kind].index(kind)
    cases = sized(sample, whole)(every, seed)
    visited, wrong = Counter(), {}
    # what an exchange holds is no part of paper's book, so each has a server of its own
    for there in sorted({case.there for case in cases}):
        for server in started(kind):
            of_it = [case for case in cases if case.there is there]
            say(f"{service} on {server.version()}: {len(of_it)} cases")
            more, found = through(of_it, server, consumer, simulator)
            visited, wrong = visited + more, wrong | found
            noted = {"server": server.version(), "seed": seed, "points": len(every)}
    assert wrong == {}
    assert unvisited(every, visited) == []
    for name, value in (noted | {"cases": len(cases), "kills": visited.total()}).items():
        record_property(name, value)


def test_a_point_that_nobody_visits_is_reported(consumer, simulator, own_redis):
    invented = ["router.invented", "nobody.knows"]
    cases = [Case(point, NONE, SEED) for point in invented]
    visited, wrong = through(cases, own_redis, consumer, simulator)
    assert unvisited(invented, visited) == invented
    assert wrong == {}


def test_a_consumer_that_acknowledges_first_is_refuted(consumer, own_redis):
    case = Case("router.after_route", NONE, SEED)
    broken = "tests.gathering.broken_ack_first"
    found = Run(case, services.ROUTER, own_redis, consumer, module=broken).judged()
    refuted = {name for name, each in found.wrong.items() if each.verdict is Verdict.refuted}
    assert found.visited
    assert refuted >= {"lost", "conservation", "ack_after_effect"}


def test_the_points_are_those_of_the_code(tmp_path):
    every = points()
    assert set(execution.FAILPOINTS) == {each for each in every if service_of(each) == "execution"}
    for service, named in kill_at_failpoint.POINTS.items():
        own = {each for each in every if service_of(each) == PREFIXES[service]}
        assert set(named) == {each for each in own if not each.endswith(OFF_THE_WAY)}
    (tmp_path / "computed.py").write_text("context.failpoint(name)")
    with pytest.raises(AssertionError, match="stands there in full"):
        points(tmp_path)
    (tmp_path / "computed.py").write_text("self._context.failpoint('a.point')")
    assert points(tmp_path) == ["a.point"]


def test_a_sample_has_every_point_once_and_all_companions():
    every = points()
    for seed in range(50):
        drawn = sample(every, seed)
        assert drawn == sample(every, seed)
        assert [case.point for case in drawn] == every
        counts = Counter(case.companion for case in drawn)
        assert set(counts) == set(COMPANIONS)
        assert max(counts.values()) - min(counts.values()) <= 1
    beside = {(case.point, case.companion) for case in whole(every, 1)}
    assert len(beside) == len(every) * len(COMPANIONS)
