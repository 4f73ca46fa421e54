"""Let a share of the calls to the simulated exchange go wrong, each in one of several ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fault_injection.exchange_simulator.steering import change, look, now_ms

#: A way -> what the simulator has for it, and what is other than there.
WAYS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "throttled": ("throttled", {"headers": {"Retry-After": "1"}}),
    "query_unavailable": (
        "", {"on": "query", "effect": "never", "reply": "said", "status": 503, "body": "later"},
    ),
    "failed_before_effect": ("unknown_before_fill", {}),
    "failed_after_effect": ("unknown_after_fill", {}),
    "bad_gateway_after_effect": ("bad_gateway_after_fill", {}),
    "closed_before_effect": ("closed_before_effect", {}),
    "closed_after_effect": ("closed_after_effect", {}),
    "late_answer": ("late_answer", {"hold_ms": 800}),
    "no_answer_after_effect": ("timeout_after_acceptance", {}),
    "lands_late": ("late_request_no_answer", {"after_ms": 1_500}),
    "too_small": ("below_min_notional", {}),
    "id_taken": (
        "", {"reply": "said", "status": 400, "code": -4116,
             "message": "ClientOrderId is duplicated."},
    ),
    "partly_filled": ("partial_fill", {}),
    "partly_filled_and_expired": ("partial_fill_expired", {}),
}  # fmt: skip
#: Where a call has not come to its end yet.
UNSETTLED = ("", "held")


class Misbehave:
    """All of a word's ways, until nothing of them is planned or held back any more."""

    def __init__(self, word: Mapping[str, Any], url: str) -> None:
        self._word, self._url = word, url
        self._label = f"{'+'.join(word['ways'])}-{word['seed']}"
        self._after = 0

    def inject(self) -> str:
        """Plan each way; the first one that is drawn for a call is taken."""
        word = self._word
        self._after = len(look(self._url, "log")["calls"])
        for nth, way in enumerate(word["ways"]):
            name, changes = WAYS[way]
            how = {"on": word["on"], "share": word["percent"] / 100, **changes}
            change(
                self._url, "misbehave", name=name, label=self._label, times=0,
                seed=word["seed"] + nth, **how,
            )  # fmt: skip
        return f"{word['percent']} % of the calls ({word['on']}) each: {', '.join(word['ways'])}"

    def observed(self) -> str:
        """Return how many calls were really treated so, by the simulator's own record."""
        said = look(self._url, "log", after=self._after)["calls"]
        hit = [each for each in said if each["label"] == self._label and each["reply"]]
        if not hit:
            return ""
        first = hit[0]
        return (
            f"{len(hit)} of {len(said)} calls, the first {first['method']} {first['path']}:"
            f" effect {first['effect'] or 'none'}, reply {first['reply']}"
        )

    def undo(self) -> None:
        """Plan nothing more, and let go of what is held back."""
        change(self._url, "behave", label=self._label)
        change(self._url, "release", label=self._label)

    def gone(self) -> str:
        """Return that nothing of it is planned, on its way or held, and that it answers."""
        if any(each["label"] == self._label for each in look(self._url, "plan")):
            return ""
        for each in look(self._url, "log", after=self._after)["calls"]:
            unsettled = each["effect"] == "in flight" or each["reply"] in UNSETTLED
            if each["label"] == self._label and unsettled:
                return ""
        return f"nothing of it is planned or held; its clock says {now_ms(self._url)}"
