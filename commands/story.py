"""The demo's story, scene by scene: each says what must come out, and stops if it does not."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import roles
from commands import deploy, prove, rollback
from commands.choosing import Chosen
from commands.props import StoryError, broken_release, fingerprint
from commands.scenes import flow_of, open_scene
from commands.showing import Display
from commands.wanting import PROJECT
from commands.watching import (
    Marks,
    Pipe,
    decisions,
    drained,
    filled_twice_decided,
    life,
    marks,
    stages,
    under_way,
    waiting,
)
from fault_injection.workloads import apply_result, decision_made
from harness.contact import Contact, reach_all
from harness.host import Host
from proofs.scene import Scene
from roles.execution import rehearsing

ANALYTICS, ROUTER, EXECUTION = "decision_intelligence", "strategy_router", "execution"
#: Enough for every shape of the streams many times over, and for a kill in the middle.
RESULTS, MORE_RESULTS, DECISIONS, MORE_DECISIONS = 5_000, 20_000, 2_000, 4_000
SEED = 20261121
#: How long a backlog of this size may take, in seconds: generous, it takes one or two.
DRAIN_WITHIN_S = 60.0


def tell(chosen: Chosen, display: Display) -> None:
    """Play every scene in order; raises StoryError at the first that comes out wrong."""
    title(display, 1, "Deploy release 1: plan, apply as one transaction, gate, commit")
    deploy_expecting("committed", chosen, display)

    title(display, 2, f"Feed {RESULTS:,} apply.result events of every shape, and look")
    feed_results(chosen, display, RESULTS, SEED)
    show_window(chosen, display)

    title(display, 3, f"Feed {DECISIONS:,} decisions: SAFE_DRAIN is on, so no order is placed")
    with flow_of_decisions(chosen, display, DECISIONS, SEED) as (scene, pipe, since):
        expect_drained(scene, pipe, since, display)

    title(display, 4, "Prove it: running what was deployed, effects flow, nothing lost or doubled")
    prove_expecting_proved(chosen, display)

    title(display, 5, f"kill -9 the analytics amid {MORE_RESULTS:,} more events")
    kill_in_mid_stream(
        chosen, display, ANALYTICS,
        lambda scene: apply_result.feed(scene.redis, scene.stream, results(SEED + 1, MORE_RESULTS)),
    )  # fmt: skip

    title(display, 6, "Switch trading on, on paper: one diff, one restart; again: zero changes")
    trading = replace(chosen, hosts=tuple(rehearsing(host) for host in chosen.hosts))
    deploy_expecting("committed", trading, display)
    deploy_expecting("unchanged", trading, display)
    with flow_of_decisions(trading, display, DECISIONS, SEED + 2) as (scene, pipe, since):
        expect_filled(scene, pipe, since, display)
    show_window(trading, display)

    title(display, 7, f"kill -9 execution amid {MORE_DECISIONS:,} decisions, and prove again")
    made = decided(SEED + 3, MORE_DECISIONS)
    kill_in_mid_stream(
        trading, display, EXECUTION,
        lambda scene: apply_result.feed(scene.redis, Pipe.of(scene).decisions, made),
        before=ROUTER,
    )  # fmt: skip
    prove_expecting_proved(trading, display)

    title(display, 8, "Deploy a broken release: it starts, says READY, and does nothing")
    before = fingerprint(trading, display)
    with broken_release() as sources:
        deploy_expecting("rolled_back", trading, display, sources)
    expect_same(before, fingerprint(trading, display), display)

    title(display, 9, "invoke rollback: trading is off again, the env file is what it was")
    undone = rollback.carry_out(trading, display, yes=True)
    if undone["state"] != "rolled_back":
        raise StoryError(f"the rollback ended {undone['state']}")
    deploy_expecting("unchanged", chosen, display)


def title(display: Display, number: int, text: str) -> None:
    """Open a scene."""
    display.idle()
    display.say("")
    display.say(f"{number}. {text}", "bold cyan")


def deploy_expecting(state: str, chosen: Chosen, display: Display, sources: Path = PROJECT) -> None:
    """Deploy and insist on how it ends."""
    outcome = deploy.carry_out(chosen, display, yes=True, sources=sources)
    if outcome.state != state:
        raise StoryError(f"the deploy ended {outcome.state}, not {state}")


def prove_expecting_proved(chosen: Chosen, display: Display) -> None:
    """Prove everything that the roles claim and insist on it."""
    document = prove.carry_out(chosen, display)
    if document["verdict"] != "proved":
        raise StoryError(f"the proof came out {document['verdict']}")


@contextlib.contextmanager
def stage_of(role: str, chosen: Chosen, display: Display) -> Iterator[tuple[Contact, Scene]]:
    """Yield the first host that has the role, with the role's place on its stream."""
    first: tuple[Host, ...] = tuple(host for host in chosen.hosts if role in host.roles)[:1]
    with reach_all(first, display) as (contact,):
        flow = flow_of(roles.REGISTRY[role], contact.host)
        with open_scene(contact, flow) as scene:
            yield contact, scene


def results(seed: int, count: int) -> Iterator[dict[str, str]]:
    """Return seeded traffic of the last minutes, so that the windows show it."""
    return apply_result.events(seed, count, int(time.time() * 1000))


def decided(seed: int, count: int) -> Iterator[dict[str, str]]:
    """Return seeded decisions of the last two minutes, most of them young enough to trade on."""
    return decision_made.events(seed, count, int(time.time() * 1000))


def feed_results(chosen: Chosen, display: Display, count: int, seed: int) -> None:
    """Produce events through the first analytics host and wait until all are settled."""
    with stage_of(ANALYTICS, chosen, display) as (_, scene):
        display.stage(f"feeding {count:,} events to {scene.stream}")
        apply_result.feed(scene.redis, scene.stream, results(seed, count))
        wait_drained(scene)
        display.idle()
        display.say(f"{count:,} events in, all settled", "green")


def wait_drained(scene: Scene) -> None:
    """Wait until everything in the stream is settled."""
    if not drained(scene, DRAIN_WITHIN_S):
        raise StoryError(f"{waiting(scene)} events still wait after {DRAIN_WITHIN_S:.0f} s")


@contextlib.contextmanager
def flow_of_decisions(
    chosen: Chosen, display: Display, count: int, seed: int
) -> Iterator[tuple[Scene, Pipe, Marks]]:
    """Feed decisions, wait until router, execution and analytics have settled all, show stages."""
    with (
        stage_of(ROUTER, chosen, display) as (_, router),
        stage_of(EXECUTION, chosen, display) as (_, executor),
        stage_of(ANALYTICS, chosen, display) as (_, analytics),
    ):
        pipe = Pipe.of(router)
        since = marks(router.redis, pipe)
        display.stage(f"feeding {count:,} decisions to {pipe.decisions}")
        apply_result.feed(router.redis, pipe.decisions, decided(seed, count))
        for scene in (router, executor, analytics):
            wait_drained(scene)
        show_stages(display, stages(router.redis, pipe, since))
        yield router, pipe, since


def show_stages(display: Display, rows: Iterable[tuple[str, int, str]]) -> None:
    """Print how many came to each stage of the pipe."""
    display.idle()
    for stage, count, said in rows:
        display.say(f"    {stage:9} {count:7,}  {said}")


def expect_drained(scene: Scene, pipe: Pipe, since: Marks, display: Display) -> None:
    """Insist that every intent ended, and that none became an order."""
    counts = {stage: count for stage, count, _ in stages(scene.redis, pipe, since)}
    if counts["orders"]:
        raise StoryError(f"{counts['orders']} orders were placed with SAFE_DRAIN on")
    if not counts["intents"] or counts["results"] != counts["intents"]:
        raise StoryError(f"{counts['intents']} intents, but {counts['results']} results")
    display.say("every intent ended, and no exchange was asked", "green")


def expect_filled(scene: Scene, pipe: Pipe, since: Marks, display: Display) -> None:
    """Insist on orders, and follow one identity that was decided more than once."""
    identity = filled_twice_decided(scene.redis, pipe, since)
    if not identity:
        raise StoryError("no decision that came twice was filled")
    display.say(f"one of them, decided more than once and traded once: {identity}", "green")
    lines = life(scene.redis, pipe, since, identity)
    for stage, said in lines:
        display.say(f"    {stage:9}  {said}")
    once = [stage for stage, _ in lines if stage != "decided"]
    if once != ["intent", "order", "result", "counted"]:
        raise StoryError(f"it went through {', '.join(once)}")


def show_window(chosen: Chosen, display: Display) -> None:
    """Show what the five-minute window makes of the events, once a snapshot holds them."""
    with stage_of(ANALYTICS, chosen, display) as (_, scene):
        shown = scene.until(lambda: decisions(scene.redis)[0] or None, DRAIN_WITHIN_S)
        if not shown:
            raise StoryError("no snapshot of the five-minute window came")
        display.window(*decisions(scene.redis))


def kill_in_mid_stream(
    chosen: Chosen,
    display: Display,
    role: str,
    feed: Callable[[Scene], object],
    *,
    before: str = "",
) -> None:
    """Feed from a thread, kill -9 the consumer while it has work, and wait for its return.

    `before` is the role whose service makes that work of what is fed.
    """
    with stage_of(role, chosen, display) as (contact, scene):
        display.stage("feeding")
        feeding = threading.Thread(target=feed, args=(scene,))
        feeding.start()
        unit = roles.units(roles.REGISTRY[role], contact.host)[0]
        try:
            # a batch is in hand for milliseconds: look often enough to see one
            often = replace(scene, sleep=lambda seconds: scene.sleep(seconds / 20))
            amid = often.until(lambda: under_way(scene) or None, DRAIN_WITHIN_S)
            contact.session.kill(unit)
            in_hand, left = under_way(scene), waiting(scene)
        finally:
            feeding.join()
        if not amid:
            raise StoryError("the kill came when nothing was under way")
        display.idle()
        display.say(f"killed with {left:,} events waiting, {in_hand:,} of them in hand", "yellow")
        display.stage("waiting until the restarted consumer has settled all of them")
        if before:
            with stage_of(before, chosen, display) as (_, upstream):
                wait_drained(upstream)
        wait_drained(scene)

        def back() -> dict[str, Any] | None:
            state = contact.session.units([unit])[unit]
            return state if state["active"] == "active" else None

        again = scene.until(back, DRAIN_WITHIN_S)
        if not again or not again["restarts"]:
            raise StoryError(f"{unit} did not come back by itself")
        display.idle()
        display.say(f"{unit} came back by itself; all events settled", "green")


def expect_same(before: object, after: object, display: Display) -> None:
    """Insist that two fingerprints are one."""
    if before != after:
        raise StoryError("the rollback left something different behind")
    display.say("every managed path is what it was: bytes, mode, owner and mtime", "green")
