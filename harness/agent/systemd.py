"""Units by systemctl, in as few calls as possible."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from . import ending, running
from .processes import NOT_FOUND, Ended, run
from .services import UP, Asked, ServiceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Longer than the 90 s that a unit has by default to stop, in seconds.
STOP_WITHIN_S = 120.0
ASK_WITHIN_S = 30.0
UNITS = "/etc/systemd/system"
#: property -> key of a unit's state
PROPERTIES = {
    "Id": "id",
    "LoadState": "load",
    "ActiveState": "active",
    "SubState": "sub",
    "UnitFileState": "enabled",
    "MainPID": "main_pid",
    "NRestarts": "restarts",
    "InvocationID": "invocation",
    "NeedDaemonReload": "need_reload",
    "Result": "result",
    "StatusText": "status_text",
    "ExecMainStartTimestampMonotonic": "started_at_us",
    "FragmentPath": "fragment",
    "DropInPaths": "dropins",
}
_NUMBERS = ("main_pid", "restarts", "started_at_us")


class Systemd:
    """The host's own systemd.

    While it is `booting`, nothing is waited for that comes later in the boot than we do.
    """

    name = "systemd"
    boots = True
    control = ""

    def __init__(self, *, booting: bool = False) -> None:
        self.booting = booting

    def show(self, units: Asked) -> dict[str, dict[str, Any]]:
        """Return the state of every unit with one call."""
        if not units:
            return {}
        names = list(units)
        ended = run(
            ("systemctl", "show", f"--property={','.join(PROPERTIES)}", "--", *names), ASK_WITHIN_S
        )
        blocks = [block for block in ended.output.split("\n\n") if block.strip()]
        if ended.code != 0 or len(blocks) != len(names):
            raise ServiceError(f"systemctl show: {ended.last_line or 'no answer'}")
        states = {}
        for index, name in enumerate(names):
            state = _parse(blocks[index])
            pid = state["main_pid"]
            state["environ"] = running.environ(pid) if pid else {}
            state["credentials"] = running.credentials(pid, name, units[name])
            state["dropins"] = _with_waiting(name, state["dropins"])
            states[name] = state
        return states

    def reload(self) -> None:
        """Run daemon-reload."""
        self._must(run(("systemctl", "daemon-reload"), STOP_WITHIN_S), "daemon-reload")

    def start(
        self, units: Sequence[str], wait_s: float, check: Callable[[], None] = lambda: None
    ) -> None:
        """Start units together and wait for READY."""
        if self.booting:
            words = ("systemctl", "start", "--no-block", "--", *units)
            self._must(run(words, ASK_WITHIN_S), "start")
        else:
            self._bring_up("start", units, wait_s, check)

    def restart(
        self, units: Sequence[str], wait_s: float, check: Callable[[], None] = lambda: None
    ) -> None:
        """Restart units together and wait for READY."""
        self._bring_up("restart", units, wait_s, check)

    def stop(self, units: Sequence[str]) -> None:
        """Stop units; one that will not is killed."""
        if self.booting:  # one that only waits for its turn keeps it
            states = self.show(dict.fromkeys(units, ()))
            units = [name for name, state in states.items() if state["active"] in UP]
        if not units:
            return
        words = ("systemctl", "stop", "--", *units)
        ended = run(words, STOP_WITHIN_S)
        if ended.code is None:
            run(("systemctl", "kill", "--signal=KILL", "--", *units), ASK_WITHIN_S)
            ended = run(words, ASK_WITHIN_S)
        still = [name for name, state in self.show(dict.fromkeys(units, ())).items()
                 if state["active"] in UP | {"deactivating"}]  # fmt: skip
        if still:
            raise ServiceError(f"{' '.join(still)} did not stop: {ended.last_line}")

    def reset_failed(self, units: Sequence[str]) -> None:
        """Forget failures; a unit that is not loaded has none."""
        if units:
            run(("systemctl", "reset-failed", "--", *units), ASK_WITHIN_S)

    def pids(self, unit: str) -> list[int]:
        """Return the processes in the unit's control group."""
        words = ("systemctl", "show", "--property=ControlGroup", "--value", "--", unit)
        group = run(words, ASK_WITHIN_S).output.strip()
        return [pid for pid in ending.pids() if group and running.in_group(pid, group)]

    def kill(self, unit: str, signal: str) -> None:
        """Send a signal to the main process."""
        words = ("systemctl", "kill", f"--signal={signal}", "--kill-who=main", "--", unit)
        self._must(run(words, ASK_WITHIN_S), f"kill {unit}")

    def verify(self, path: str) -> list[str]:
        """Return what systemd-analyze says about this unit itself, not about its neighbours."""
        words = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", path)
        ended = run(words, ASK_WITHIN_S)
        if ended.code == 0:
            return []
        unit = os.path.basename(path)
        lines = [line.strip() for line in (ended.error + ended.output).splitlines()]
        ours = [line.replace(f"{path}:", "line ") for line in lines
                if line.startswith((f"{path}:", f"{unit}:", f"Unit {unit} "))]  # fmt: skip
        if ended.code is None or (ended.code == NOT_FOUND and not ours):
            return [ended.last_line or "systemd-analyze did not answer"]
        return ours

    def arm(self, name: str, words: Sequence[str], within_s: float) -> None:
        """Start a transient timer; what it runs is started again if something kills it."""
        timer = (
            "systemd-run", "--quiet", "--collect", f"--unit={name}",
            f"--on-active={within_s:.3f}s", "--timer-property=AccuracySec=100ms",
            "--timer-property=RemainAfterElapse=no", f"--description=Dead man's switch: {name}",
            "--property=Restart=on-abnormal", "--property=RestartSec=1",
        )  # fmt: skip
        self._must(run((*timer, "--", *words), ASK_WITHIN_S), "systemd-run")

    def disarm(self, name: str) -> None:
        """Stop the timer; what it has started already is left to see for itself."""
        run(("systemctl", "stop", "--", f"{name}.timer"), ASK_WITHIN_S)

    def _bring_up(
        self, verb: str, units: Sequence[str], wait_s: float, check: Callable[[], None]
    ) -> None:
        if not units:
            return
        ended = run(("systemctl", verb, "--", *units), wait_s, check)
        states = self.show(dict.fromkeys(units, ()))
        failed = [name for name, state in states.items() if state["active"] != "active"]
        if not failed and ended.code is not None:
            return
        name = failed[0] if failed else units[0]
        state = states[name]
        why = "did not say READY" if ended.code is None else f"is {state['active']}"
        said = self._last_words(name, state["invocation"])
        raise ServiceError(
            f"{name} {why} within {wait_s:.0f} s"
            f" ({state['sub']}, result {state['result']}){': ' if said else ''}{said}"
        )

    def _last_words(self, unit: str, invocation: str) -> str:
        """Return the last line that the unit itself logged."""
        match = f"_SYSTEMD_INVOCATION_ID={invocation}" if invocation else f"_SYSTEMD_UNIT={unit}"
        ended = run(("journalctl", "-q", "-n", "1", "-o", "cat", "--no-pager", match), ASK_WITHIN_S)
        return ended.output.strip().replace("\n", " ")[:500] if ended.code == 0 else ""

    @staticmethod
    def _must(ended: Ended, what: str) -> None:
        if ended.code != 0:
            raise ServiceError(f"{what}: {ended.last_line or 'did not end in time'}")


def _with_waiting(unit: str, loaded: list[str]) -> list[str]:
    """Return the drop-ins in effect, and those that the next daemon-reload would bring."""
    folder = f"{UNITS}/{unit}.d"
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".conf"))
    except OSError:
        names = []
    waiting = [f"{folder}/{name}" for name in names if os.path.isfile(f"{folder}/{name}")]
    return list(dict.fromkeys((*loaded, *waiting)))


def _parse(block: str) -> dict[str, Any]:
    said = dict(line.partition("=")[::2] for line in block.splitlines())
    state: dict[str, Any] = {key: said.get(name, "") for name, key in PROPERTIES.items()}
    for key in _NUMBERS:
        state[key] = int(state[key]) if str(state[key]).isdigit() else 0
    if state["started_at_us"]:
        since_boot_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        state["started_at_us"] += time.time_ns() // 1000 - since_boot_us
    state["need_reload"] = state["need_reload"] == "yes"
    state["dropins"] = state["dropins"].split()
    return state
