"""The demo's story, scene by scene: each says what must come out, and stops if it does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commands import deploy, prove, rollback
from commands.choosing import Chosen
from commands.props import StoryError, broken_release, fingerprint, with_values
from commands.scenes import open_scene
from commands.showing import Display
from commands.wanting import PROJECT
from commands.watching import decisions, drained, waiting
from fault_injection.workloads import apply_result
from harness.contact import reach_all
from harness.host import Host

UNIT = "quantum-p35-decision-intelligence.service"
ROLE = "decision_intelligence"
#: Enough for every shape of the stream many times over, and for a kill in the middle.
FIRST_EVENTS, SECOND_EVENTS = 5_000, 30_000
SEED = 20261121
#: How long a backlog of this size may take, in seconds: generous, it takes one or two.
DRAIN_WITHIN_S = 60.0


def tell(chosen: Chosen, display: Display) -> None:
    """Play every scene in order; raises StoryError at the first that comes out wrong."""
    title(display, 1, "Deploy release 1: plan, apply as one transaction, gate, commit")
    deploy_expecting("committed", chosen, display)

    title(display, 2, f"Feed {FIRST_EVENTS:,} apply.result events of every shape, and look")
    feed(chosen, display, FIRST_EVENTS, SEED)
    show_decisions(chosen, display)

    title(display, 3, "Prove it: running what was deployed, effect flows, nothing lost or doubled")
    prove_expecting_proved(chosen, display)

    title(display, 4, f"kill -9 the consumer amid {SECOND_EVENTS:,} more events, and prove again")
    kill_in_mid_stream(chosen, display)
    prove_expecting_proved(chosen, display)

    title(display, 5, "Deploy a changed env file: one diff, one restart; then again: zero changes")
    changed = with_values(chosen, batch_size=500)
    deploy_expecting("committed", changed, display)
    deploy_expecting("unchanged", changed, display)

    title(display, 6, "Deploy a broken release: it starts, says READY, and does nothing")
    before = fingerprint(changed, display)
    with broken_release() as sources:
        deploy_expecting("rolled_back", changed, display, sources)
    expect_same(before, fingerprint(changed, display), display)

    title(display, 7, "invoke rollback: the env file is what it was, to the byte")
    undone = rollback.carry_out(changed, display, yes=True)
    if undone["state"] != "rolled_back":
        raise StoryError(f"the rollback ended {undone['state']}")
    deploy_expecting("unchanged", chosen, display)
    prove_expecting_proved(chosen, display)


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


def consumers(chosen: Chosen) -> tuple[Host, ...]:
    """Return the hosts that run the consumer."""
    return tuple(host for host in chosen.hosts if ROLE in host.roles)


def events(seed: int, count: int) -> Iterator[dict[str, str]]:
    """Return seeded traffic of the last minutes, so that the windows show it."""
    return apply_result.events(seed, count, int(time.time() * 1000))


def feed(chosen: Chosen, display: Display, count: int, seed: int) -> None:
    """Produce events through the first consumer's host and wait until all are settled."""
    with reach_all(consumers(chosen)[:1], display) as (contact,), open_scene(contact) as scene:
        display.stage(f"feeding {count:,} events to {scene.stream}")
        apply_result.feed(scene.redis, scene.stream, events(seed, count))
        if not drained(scene, DRAIN_WITHIN_S):
            raise StoryError(f"{waiting(scene)} events still wait after {DRAIN_WITHIN_S:.0f} s")
        display.idle()
        display.say(f"{count:,} events in, all settled", "green")


def show_decisions(chosen: Chosen, display: Display) -> None:
    """Show what the five-minute window makes of the events, once a snapshot holds them."""
    with reach_all(consumers(chosen)[:1], display) as (contact,), open_scene(contact) as scene:
        shown = scene.until(lambda: decisions(scene.redis)[0] or None, DRAIN_WITHIN_S)
        if not shown:
            raise StoryError("no snapshot of the five-minute window came")
        display.window(*decisions(scene.redis))


def kill_in_mid_stream(chosen: Chosen, display: Display) -> None:
    """Feed from a thread, kill -9 the consumer while much still waits, and wait for its return."""
    first = consumers(chosen)[:1]
    with reach_all(first, display) as (contact,), open_scene(contact) as scene:
        display.stage(f"feeding {SECOND_EVENTS:,} events")
        feeding = threading.Thread(
            target=apply_result.feed,
            args=(scene.redis, scene.stream, events(SEED + 1, SECOND_EVENTS)),
        )
        feeding.start()
        try:
            amid = scene.until(lambda: waiting(scene) or None, DRAIN_WITHIN_S)
            contact.session.kill(UNIT)
        finally:
            feeding.join()
        if not amid:
            raise StoryError("the kill came when nothing was waiting")
        display.idle()
        display.say(f"killed with {amid:,} events waiting", "yellow")
        display.stage("waiting until the restarted consumer has settled all of them")
        if not drained(scene, DRAIN_WITHIN_S):
            raise StoryError(f"{waiting(scene)} events still wait after {DRAIN_WITHIN_S:.0f} s")

        def back() -> dict[str, Any] | None:
            state = contact.session.units([UNIT])[UNIT]
            return state if state["active"] == "active" else None

        again = scene.until(back, DRAIN_WITHIN_S)
        if not again or not again["restarts"]:
            raise StoryError(f"{UNIT} did not come back by itself")
        display.idle()
        display.say(f"{UNIT} came back by itself; all {SECOND_EVENTS:,} events settled", "green")


def expect_same(before: object, after: object, display: Display) -> None:
    """Insist that two fingerprints are one."""
    if before != after:
        raise StoryError("the rollback left something different behind")
    display.say("every managed path is what it was: bytes, mode, owner and mtime", "green")
