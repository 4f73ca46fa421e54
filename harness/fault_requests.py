"""What a session asks an agent about faults; harness/agent/faults.py answers.

A fault is a list of steps, each a mapping with `do` and more (optional words in brackets):

- freeze: unit. Every process of it stands still.
- kill: unit, [signal KILL], [all False]. Its main process, or all of them.
- held: unit. Stopped until the undo.
- nft: rules, each hook input|output, act drop|reset|lose, sport and/or dport, [from], [to],
  [percent] to lose.
- mount: path, how full|read-only, [unit] whose own view of it is looked at as well.
- mode: path, mode.
- redis: [host 127.0.0.1], [port 6379], [user], [password_file on the host], and one of
  config {name: value}, acl {user, rules}, pause {ms, what write|all}.
- dropin: unit, lines, [restart False], [anyhow False] where it may keep the unit from coming up.

What is observed of each is `on`, `gone` and more of its kind. All steps of one fault come and go
together; those that are to end at different times are faults of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.channel import Channel, Reply
from harness.errors import ConfigurationError
from harness.masking import Secret

#: Where a fault may be injected at all; whatever else an inventory says means no.
BREAKABLE = frozenset({"sandbox", "testnet"})
#: What one fault may take on its host, its undo included; a host has so many at once.
WITHIN_S, MOST = 300.0, 8
LOOK_WITHIN_S = 120.0
#: Where a host has the password of a Redis user who may change settings: see fault_allow.
PASSWORD_FILE = "/etc/quantum/faults-redis-password"  # noqa: S105  where it lies


class FaultRequests(Channel):
    """The part of a session that is about faults."""

    def fault_arm(
        self,
        tx: str,
        steps: Sequence[Mapping[str, Any]],
        *,
        ttl_s: float,
        mode: str,
        inventory: str,
        meta: Mapping[str, Any],
        seen_within_s: float | None = None,
    ) -> Reply:
        """Inject a fault that the host undoes by itself after `ttl_s`; returns what was observed.

        Raises with everything as it was when the host does not allow it, cannot have a step or the
        fault is not seen, and ConfigurationError, without a word to the host, for mode live.
        """
        refuse_mode(mode, self._host)
        request = {
            "do": "fault_arm", "tx": tx, "steps": [dict(step) for step in steps], "ttl_s": ttl_s,
            "mode": mode, "inventory": inventory, "meta": dict(meta),
            "seen_within_s": seen_within_s,
        }  # fmt: skip
        return self._ask(request, WITHIN_S + (seen_within_s or 0))

    def fault_allow(
        self,
        *,
        within_s: float,
        mode: str,
        inventory: str,
        password: Secret | None,
        meta: Mapping[str, Any],
    ) -> Reply:
        """Let an inventory break this host for so long; returns {"until", "password"}.

        `password` is of a Redis user who may do everything; it lies there until fault_forbid, or
        the next fault_allow without one. Raises ConfigurationError, without a word to the host,
        for mode live.
        """
        refuse_mode(mode, self._host)
        request = {
            "do": "fault_allow", "within_s": within_s, "mode": mode, "inventory": inventory,
            "password": password.reveal_text() if password else "", "meta": dict(meta),
        }  # fmt: skip
        return self._ask(request, LOOK_WITHIN_S)

    def fault_forbid(self, *, meta: Mapping[str, Any]) -> Reply:
        """Let nobody break this host any more and undo what is broken; twice is fine.

        Returns {"allowed": whether it was, "healed": ids}. Raises InDoubtError for what is left.
        """
        return self._ask({"do": "fault_forbid", "meta": dict(meta)}, MOST * WITHIN_S)

    def fault_allowed(self, *, mode: str, inventory: str) -> float:
        """Return for how many seconds this host may be broken yet; raises AgentError if not."""
        request = {"do": "fault_allowed", "mode": mode, "inventory": inventory}
        return float(self._ask(request, LOOK_WITHIN_S)["left_s"])

    def fault_observe(self, tx: str) -> Reply:
        """Return what is seen of a fault now."""
        return self._ask({"do": "fault_observe", "tx": tx}, LOOK_WITHIN_S)

    def fault_undo(
        self, tx: str, *, meta: Mapping[str, Any], gone_within_s: float | None = None
    ) -> Reply:
        """Undo a fault and see that it is gone; twice is fine. Raises InDoubtError if it is not.

        Until then it stays armed: its host goes on, and it can be asked again.
        """
        request = {
            "do": "fault_undo", "tx": tx, "meta": dict(meta), "gone_within_s": gone_within_s
        }  # fmt: skip
        return self._ask(request, WITHIN_S)

    def fault_heal(self, *, meta: Mapping[str, Any]) -> Reply:
        """Undo every fault of the host, whoever injected it; raises InDoubtError for what is left.

        Returns {"healed": ids}.
        """
        return self._ask({"do": "fault_heal", "meta": dict(meta)}, MOST * WITHIN_S)

    def faults(self, *, over: bool = False) -> list[Reply]:
        """Return the host's faults, whoever injected them, with `over` those that are over, too."""
        said: Any = self._ask({"do": "fault_list", "all": over}, LOOK_WITHIN_S)
        return list(said)

    def fingerprint(
        self,
        *,
        paths: Sequence[str] = (),
        units: Sequence[str] = (),
        servers: Sequence[Mapping[str, Any]] = (),
    ) -> Reply:
        """Return all of the host that a fault may touch: harness.fingerprints compares two.

        `servers` are Redis as {"port", "host", "user", "password_file"}, the last one on the host.
        """
        request = {
            "do": "fault_fingerprint", "paths": list(paths), "units": list(units),
            "servers": [dict(each) for each in servers],
        }  # fmt: skip
        return self._ask(request, LOOK_WITHIN_S)


def refuse_mode(mode: str, host: str = "") -> None:
    """Raise ConfigurationError for an inventory of which nothing may be broken."""
    if mode not in BREAKABLE:
        raise ConfigurationError(
            f"its mode is {mode!r}: faults are for {' and '.join(sorted(BREAKABLE))} alone",
            host=host, step="guard", action="take another inventory with -i",
        )  # fmt: skip
