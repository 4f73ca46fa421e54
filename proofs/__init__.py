"""Claims about a live system, checked from outside: one file per claim, listed here by hand."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import ConfigurationError, QuantumError
from harness.ledger.checks import Check
from proofs.finding import Finding, Verdict, worst
from proofs.scene import Scene

#: A claim's name -> its module, imported when it is asked for.
REGISTRY: Mapping[str, str] = {
    "running_what_was_deployed": "proofs.running_what_was_deployed",
    "stays_up": "proofs.stays_up",
    "least_rights": "proofs.least_rights",
    "effect_flows": "proofs.effect_flows",
    "backlog_drains": "proofs.backlog_drains",
    "nothing_lost_nothing_doubled": "proofs.nothing_lost_nothing_doubled",
    "one_terminal_state": "proofs.one_terminal_state",
    "confined": "proofs.confined",
    "rollback_restores": "proofs.rollback_restores",
}

#: Claims about a stream's group: one host that serves the group can show them for all.
ONCE_PER_GROUP = frozenset(
    {
        "least_rights", "effect_flows", "backlog_drains", "nothing_lost_nothing_doubled",
        "one_terminal_state",
    }
)  # fmt: skip

#: Claims that are made only where the inventory says that a variable is true.
ONLY_WHERE: Mapping[str, str] = {"least_rights": "redis_acl"}

#: Claims about a real host's kernel and systemd: where a directory stands for the host there is
#: nothing to hold them against, and they are made only when somebody asks for them by name.
ON_REAL_HOSTS = frozenset({"confined"})

#: What the checks share, below this folder.
LEANED_ON = (
    "finding.py", "reading.py", "by_service.py", "effects/canary.py", "accounts/fates.py",
)  # fmt: skip

#: The one key of evidence that could not be gathered.
UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """One claim, its finding, and the evidence as canonical JSON."""

    name: str
    text: str
    check_sha256: str
    finding: Finding
    evidence: bytes


def module(name: str) -> ModuleType:
    """Return the claim's module; raises ConfigurationError with the names there are."""
    if name not in REGISTRY:
        known = ", ".join(sorted(REGISTRY))
        raise ConfigurationError(f"there is no claim {name!r}", action=f"one of: {known}")
    return importlib.import_module(REGISTRY[name])


def claim(name: str) -> str:
    """Return the claim itself: the first sentence of its module."""
    text = (inspect.getdoc(module(name)) or "").partition("\n\n")[0]
    return " ".join(text.removeprefix("Claim:").split())


def code_sha256(name: str) -> str:
    """Return the digest of the code that decides: the claim's files and what checks lean on."""
    here, claimed = Path(__file__).parent, module(name)
    parts = [importlib.import_module(each) for each in getattr(claimed, "PARTS", {}).values()]
    files = [Path(str(each.__file__)) for each in (claimed, *parts)]
    files += [here / each for each in LEANED_ON]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def judge(name: str, evidence: Mapping[str, Any]) -> Finding:
    """Run the pure check. Evidence that is missing or malformed leaves the claim unknown."""
    if UNAVAILABLE in evidence:
        return Finding.unknown(f"no evidence: {evidence[UNAVAILABLE]}")
    check: Callable[[Mapping[str, Any]], Finding] = module(name).check
    try:
        return check(evidence)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Finding.unknown(f"the evidence is malformed: {type(error).__name__}: {error}")


def checks() -> dict[str, Check]:
    """Return every check for harness.ledger.auditing.verify, with the digest of today's code."""
    return {name: Check(partial(judge, name), code_sha256(name)) for name in REGISTRY}


def run(
    names: Iterable[str], scene: Scene, said: Callable[[str], None] = lambda _: None
) -> list[ClaimResult]:
    """Gather and judge each claim in the given order; `said` hears each name as it begins.

    What cannot be gathered is unknown with the reason, never a pass and never a crash.
    """
    results = []
    for name in names:
        said(name)
        results.append(result(name, _gather(module(name), scene)))
    return results


def result(name: str, evidence: Mapping[str, Any]) -> ClaimResult:
    """Judge evidence that was gathered elsewhere; the check sees what the record will hold."""
    encoded = json.dumps(evidence, sort_keys=True, separators=(",", ":")).encode()
    finding = judge(name, json.loads(encoded))
    return ClaimResult(name, claim(name), code_sha256(name), finding, encoded)


def _gather(claimed: ModuleType, scene: Scene) -> dict[str, Any]:
    from redis.exceptions import RedisError

    try:
        gathered: dict[str, Any] = claimed.gather(scene)
    except RedisError as error:
        return {UNAVAILABLE: f"Redis: {type(error).__name__}: {error}"}
    except QuantumError as error:
        return {UNAVAILABLE: str(error).replace("\n", " ")}
    except (OSError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return {UNAVAILABLE: f"{type(error).__name__}: {error}"}
    return gathered


__all__ = [
    "ONCE_PER_GROUP",
    "ONLY_WHERE",
    "ON_REAL_HOSTS",
    "REGISTRY",
    "ClaimResult",
    "Finding",
    "Scene",
    "Verdict",
    "checks",
    "claim",
    "code_sha256",
    "judge",
    "module",
    "result",
    "run",
    "worst",
]
