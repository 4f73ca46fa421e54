"""The demo's story, scene by scene; every scene says what must come out and checks it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands import deploy, prove, rollback
from commands.breaking import broken_release
from commands.choosing import Chosen, choose
from commands.scenes import open_redis
from commands.showing import Display
from commands.watching import decisions, drained
from fault_injection.workloads import apply_result
from harness.contact import reach_all
from harness.errors import QuantumError

UNIT = "quantum-p35-decision-intelligence.service"
#: Enough for every shape of the stream many times over, and for a kill in the middle.
FIRST_EVENTS, SECOND_EVENTS = 5_000, 20_000
SEED = 20261121


class StoryError(Exception):
    """A scene came out otherwise than it must."""


def tell(chosen: Chosen, display: Display) -> None:
    """Play every scene in order; raises StoryError at the first that comes out wrong."""
    title(display, 1, "Deploy release 1: plan, apply as one transaction, gate, commit")
    must(deploy_now(chosen, display), "committed")

    title(display, 2, f"Feed {FIRST_EVENTS:,} apply.result events of every shape, and look")
    feed(chosen, display, FIRST_EVENTS, seed=SEED)
    show_decisions(chosen, display)

    title(display, 3, "Prove it")
    must(prove_now(chosen, display), "proved")

    title(display, 4, f"kill -9 the consumer in the middle of {SECOND_EVENTS:,} events; prove again")
    kill_in_mid_stream(chosen, display)
    must(prove_now(chosen, display), "proved")

    title(display, 5, "Deploy a changed env file: one diff, one restart")
    changed = with_values(chosen, batch_size=500)
    must(deploy_now(changed, display), "committed")
    must(deploy_now(changed, display), "unchanged")

    title(display, 6, "Deploy a broken release: it starts, says READY and does nothing")
    before = fingerprint(changed, display)
    with broken_release() as sources:
        must(deploy_now(changed, display, sources), "rolled_back")
    same_bytes(before, fingerprint(changed, display), display)

    title(display, 7, "Roll back by hand: the env file is what it was")
    must(rollback.carry_out(changed, display, yes=True)["state"], "rolled_back")
    must(deploy_now(chosen, display), "unchanged")
    must(prove_now(chosen, display), "proved")

    title(display, 8, "The ledger: every verdict recomputed from its evidence")
    verify_ledger(chosen, display)
