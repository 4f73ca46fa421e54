"""How a deploy ended, by its exit code and the document that `--json` leaves; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fault_injection.history.happenings import FAIL, INFO, OK
from harness.errors import IN_DOUBT

REFUSED = "refused"
#: An outcome for all hosts -> how the operation ended; any other one is in doubt.
HOW: Mapping[str, str] = {"committed": OK, "unchanged": OK, "rolled_back": FAIL, REFUSED: FAIL}
#: Ends with IN_DOUBT, and has changed nothing.
CERTAIN = frozenset({"DriftError"})
#: The host may hold a release of which nothing was written down.
UNWRITTEN = frozenset({"LedgerError"})
#: The step that tells who holds the host, as every error names its step.
LOCK = ", lock: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An operation's end; `outcome` is "" where the deploy did not live to tell it."""

    how: str
    outcome: str = ""
    transaction: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def locked_out(self) -> bool:
        """Tell whether it was told that somebody else deploys."""
        return LOCK in self.why


def ended(code: int, said: str) -> Ending:
    """Return what a deploy's last words mean; a code below 0 is the signal that killed it."""
    if code < 0:
        return Ending(how=INFO, why=f"killed by signal {-code}")
    try:
        document = json.loads(said)
        return _refused(document) if "error" in document else _told(document)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Ending(how=INFO, why=f"ended with {code} and no word")


def _told(document: Mapping[str, Any]) -> Ending:
    state = str(document["state"])
    return Ending(
        how=HOW.get(state, INFO), outcome=state, transaction=str(document["transaction"]),
        hosts={str(host): str(word) for host, word in document["hosts"].items()},
        why=_line("; ".join(map(str, document["reasons"]))),
    )  # fmt: skip


def _refused(document: Mapping[str, Any]) -> Ending:
    """Return the end of a deploy that stopped before it began, or was lost."""
    error = document["error"]
    where = ", ".join(part for part in (error["host"], error["step"]) if part)
    why = _line(f"{where}: {error['cause']}")
    doubtful = document["exit_code"] == IN_DOUBT and error["kind"] not in CERTAIN
    if doubtful or error["kind"] in UNWRITTEN:
        return Ending(how=INFO, why=why)
    return Ending(how=FAIL, outcome=REFUSED, why=why)


def _line(text: str) -> str:
    """Return a text of several lines as one."""
    return " ".join(text.split())
