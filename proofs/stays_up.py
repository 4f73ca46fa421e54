"""Claim: every deployed unit is ready and stays so: no restart, no failure, over a window.

The agent is asked several times while the window runs. A unit of Type=notify is active only after
it has said READY; a watchdog that fires shows as a restart or as the unit's result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.finding import Finding
from proofs.scene import Scene

LOOKS = 4
KEPT = ("active", "sub", "main_pid", "restarts", "invocation", "result", "status_text")


def gather(scene: Scene) -> dict[str, Any]:
    """Return the state of each unit at each look, oldest first."""
    looks = []
    for number in range(LOOKS):
        if number:
            scene.sleep(scene.window_s / (LOOKS - 1))
        units = scene.attest()["units"]
        looks.append({name: {k: u.get(k) for k in KEPT} for name, u in units.items()})
    return {"window_s": scene.window_s, "looks": looks}


def check(evidence: Mapping[str, Any]) -> Finding:
    """Compare each look with the first; one look alone shows nothing about staying."""
    looks = evidence["looks"]
    if len(looks) < 2 or not looks[0]:  # noqa: PLR2004 - staying takes two looks
        return Finding.unknown("no unit was seen twice")
    wrong = [reason for name in looks[0] for reason in _moved(name, [o.get(name) for o in looks])]
    if wrong:
        return Finding.refuted(*wrong)
    return Finding.proved(
        f"{len(looks[0])} units ready, the same processes throughout {evidence['window_s']:g} s",
        restarts={name: state["restarts"] for name, state in looks[-1].items()},
    )


def _moved(name: str, states: list[Mapping[str, Any] | None]) -> list[str]:
    first = states[0] or {}
    for state in states:
        if state is None:
            return [f"{name} vanished during the window"]
        if state["active"] != "active" or not state["main_pid"]:
            text = f" ({state['status_text']})" if state.get("status_text") else ""
            return [f"{name} is {state['active']}, result {state.get('result')}{text}"]
        if state["restarts"] != first["restarts"]:
            return [f"{name} restarted: {first['restarts']} -> {state['restarts']} restarts"]
        for key in ("main_pid", "invocation"):
            if state[key] != first[key]:
                return [f"{name} was replaced during the window: {key} changed"]
        if state.get("result") not in (None, "", "success"):
            return [f"{name} is active again after {state['result']}"]
    return []
