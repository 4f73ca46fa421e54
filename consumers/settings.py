"""Read the settings of decision intelligence from the environment, strictly.

A bad value stops the start. So does a setting nobody knows: the environment also holds names that
are none of ours, so the rendered env file lists its own in QUANTUM_ENV_NAMES, and of those each
must be known here. `--check-config FILE` holds every name in an env file to the same rule.
"""

from __future__ import annotations

import difflib
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from consumers import credentials
from consumers.failing import StartError
from streams.keys import GROUP_DECISION_INTELLIGENCE, STREAM_APPLY_RESULT

#: The most entries one script can take.
BATCH_MAX = 5_000
#: Set by systemd and the deploy beside the settings; read where they are needed, if anywhere.
CARRIED = ("QUANTUM_ENV_DIGEST", "QUANTUM_UNIT_DIGEST", "QUANTUM_RELEASE", "QUANTUM_ENV_NAMES")

_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a start needs to know; names as in the environment, in lower case."""

    redis_host: str
    redis_port: int
    redis_db: int
    redis_username: str
    redis_password: str = field(repr=False)
    log_level: str
    consumer_name: str
    batch_size: int
    quantum_mode: str
    claim_idle_ms: int
    stream_apply_result: str
    group_decision_intelligence: str
    enable_symbol_breakdown: bool
    snapshot_interval_s: float
    release: str


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not low <= float(text) <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(text)

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError("one of " + ", ".join(words))
        return text

    return parse


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTH:
        raise ValueError("true or false")
    return _TRUTH[text.lower()]


def _name(text: str) -> str:
    # a name goes into keys, into ids of consumers and onto lines of the log
    if not text or not text.isprintable() or any(each.isspace() for each in text):
        raise ValueError("a name without spaces")
    return text


def _unset(why: str, *harmless: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text and text not in harmless:
            raise ValueError(f"unset, for {why}")
        return text

    return parse


#: Name -> (default, how it is read).
KNOWN: dict[str, tuple[str, Callable[[str], object]]] = {
    "REDIS_HOST": ("localhost", _name),
    "REDIS_PORT": ("6379", _number(1, 65_535)),
    "REDIS_DB": ("0", _number(0, 1_000_000)),
    "REDIS_USERNAME": ("", str),
    "REDIS_PASSWORD": ("", str),
    "REDIS_SENTINELS": ("", _unset("this release speaks to one Redis alone")),
    "LOG_LEVEL": ("INFO", _one_of("DEBUG", "INFO", "WARNING", "ERROR")),
    "CONSUMER_NAME": ("", str),
    "BATCH_SIZE": ("1000", _number(1, BATCH_MAX)),
    "METRICS_PORT": ("0", _unset("this release serves no metrics", "0")),
    "QUANTUM_MODE": ("sandbox", _one_of("sandbox", "testnet", "live")),
    "QUANTUM_FAILPOINTS": ("", _unset("this release has no failpoints")),
    "CLAIM_IDLE_MS": ("5000", _number(1, 86_400_000)),
    "MAX_DELIVERIES": ("5", _number(1, 1_000_000)),
    "STREAM_APPLY_RESULT": (STREAM_APPLY_RESULT, _name),
    "GROUP_DECISION_INTELLIGENCE": (GROUP_DECISION_INTELLIGENCE, _name),
    "ENABLE_SYMBOL_BREAKDOWN": ("true", _truth),
    "SNAPSHOT_INTERVAL_S": ("60", _seconds(0.1, 3_600)),
    "ALERT_MEDIUM": ("0.4", _seconds(0, 1)),
    "ALERT_HIGH": ("0.6", _seconds(0, 1)),
    "ALERT_CRITICAL": ("0.8", _seconds(0, 1)),
    "ALERT_COOLDOWN_S": ("300", _number(0, 86_400)),
    "ALERT_MIN_EVENTS": ("100", _number(1, 1_000_000_000)),
}


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings, or raise StartError with the first that cannot stand."""
    refuse_unknown(environ.get("QUANTUM_ENV_NAMES", "").replace(",", " ").split())
    values: dict[str, object] = {}
    for name, (default, parse) in KNOWN.items():
        text = environ.get(name, default)
        try:
            values[name.lower()] = parse(text)
        except ValueError as error:
            shown = "what it is set to" if "PASSWORD" in name else repr(text)
            raise StartError(f"{name} must be {error}, not {shown}") from error
    password = credentials.read("redis_password", environ, "REDIS_PASSWORD")
    values["redis_password"] = password
    values["consumer_name"] = _consumer_name(environ.get("CONSUMER_NAME", ""))
    values["release"] = environ.get("QUANTUM_RELEASE", "") or "source"
    wanted = Settings.__dataclass_fields__
    return Settings(**{name: value for name, value in values.items() if name in wanted})  # type: ignore[arg-type]


def _consumer_name(text: str) -> str:
    # never a PID: a restarted service owns its old pending entries
    try:
        return _name(text or f"{socket.gethostname()}-1")
    except ValueError as error:
        raise StartError(f"CONSUMER_NAME must be {error}, not {text!r}") from error


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise StartError for a name that is no setting, with the one that was perhaps meant."""
    for name in names:
        if name not in KNOWN and name not in CARRIED:
            near = difflib.get_close_matches(name, KNOWN, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise StartError(f"{name} is no setting of decision intelligence{hint}")


def read_file(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings as an env file gives them; every name in it must be known."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{path} cannot be read: {error}") from error
    given: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        if not words or words[0] in "#;":
            continue
        name, equals, value = words.partition("=")
        if not equals:
            raise StartError(f"{path}:{number}: NAME=value is wanted, not {words!r}")
        given[name.strip()] = value.strip().strip("\"'")
    refuse_unknown(given)
    kept = {name: environ[name] for name in ("CREDENTIALS_DIRECTORY",) if name in environ}
    return read({**kept, **given})
