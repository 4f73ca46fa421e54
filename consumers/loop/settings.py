"""Read a consumer's settings from the environment, strictly.

A consumer's settings are a dataclass: each field is the variable of the same name in capitals, with
its default and how its text is read. A bad value stops the start. So does a setting nobody knows:
the environment also holds names that are none of ours, so the rendered env file lists its own in
QUANTUM_ENV_NAMES, and of those each must be known here. `--check-config FILE` holds every name in
an env file to the same rule.
"""

from __future__ import annotations

import dataclasses
import difflib
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from consumers.loop import credentials, failpoints
from consumers.loop.failing import StartError
from consumers.loop.parsing import name, number, one_of, optional_name, unset

#: The most entries one script can take.
BATCH_MAX = 5_000
#: Set by systemd and the deploy beside the settings; read where they are needed, if anywhere.
CARRIED = ("QUANTUM_ENV_DIGEST", "QUANTUM_UNIT_DIGEST", "QUANTUM_RELEASE", "QUANTUM_ENV_NAMES")

T = TypeVar("T")
Parse = Callable[[str], T]


def setting(default: str, parse: Parse[T], *, aliases: Mapping[str, Parse[T]] | None = None) -> T:
    """Declare a setting: its default as it would stand in an env file, and how it is read.

    `aliases` are old names in capitals, each with its own reading; they still work, with a warning.
    """
    about = {"default": default, "parse": parse, "aliases": dict(aliases or {})}
    return dataclasses.field(metadata=about)  # type: ignore[no-any-return]


def credential(of: str) -> str:
    """Declare a secret: the systemd credential `of`, else the variable named as the field."""
    about = {"default": "", "parse": str, "aliases": {}, "credential": of}
    return dataclasses.field(metadata=about, repr=False)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every consumer needs to know; names as in the environment, in lower case."""

    redis_host: str = setting("localhost", name)
    redis_port: int = setting("6379", number(1, 65_535))
    redis_db: int = setting("0", number(0, 1_000_000))
    redis_username: str = setting("", str)
    redis_password: str = credential("redis_password")
    redis_sentinels: str = setting("", unset("this release speaks to one Redis alone"))
    log_level: str = setting("INFO", one_of("DEBUG", "INFO", "WARNING", "ERROR"))
    #: never a PID: a restarted service owns its old pending entries
    consumer_name: str = setting("", optional_name)
    batch_size: int = setting("1000", number(1, BATCH_MAX))
    metrics_port: int = setting("0", number(0, 65_535))
    quantum_mode: str = setting("sandbox", one_of("sandbox", "testnet", "live"))
    claim_idle_ms: int = setting("5000", number(1, 86_400_000))
    max_deliveries: int = setting("5", number(1, 1_000_000))
    quantum_failpoints: str = setting("", failpoints.checked)
    #: not read by a parser: which release runs, and what to say about old names at the start
    release: str = "source"
    warnings: tuple[str, ...] = ()

    def refuse(self) -> str:
        """Return why these settings cannot stand together, in one line; "" where they can."""
        return ""


S = TypeVar("S", bound=Settings)


def read(kind: type[S], environ: Mapping[str, str]) -> S:
    """Return the settings, or raise StartError with the first that cannot stand."""
    refuse_unknown(kind, environ.get("QUANTUM_ENV_NAMES", "").replace(",", " ").split())
    values: dict[str, Any] = {}
    warnings: list[str] = []
    for each in _declared(kind):
        values[each.name] = _read_one(each, environ, warnings)
    values["consumer_name"] = values["consumer_name"] or f"{socket.gethostname()}-1"
    release = environ.get("QUANTUM_RELEASE", "") or "source"
    made = kind(**values, release=release, warnings=tuple(warnings))
    why = _never_when_live(made) or made.refuse()
    if why:
        raise StartError(why)
    return made


def read_file(kind: type[S], path: Path, environ: Mapping[str, str]) -> S:
    """Return the settings as an env file gives them; every name in it must be known."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{path} cannot be read: {error}") from error
    given: dict[str, str] = {}
    for line_number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        if not words or words[0] in "#;":
            continue
        before, equals, value = words.partition("=")
        if not equals:
            raise StartError(f"{path}:{line_number}: NAME=value is wanted, not {words!r}")
        given[before.strip()] = value.strip().strip("\"'")
    refuse_unknown(kind, given)
    kept = {each: environ[each] for each in ("CREDENTIALS_DIRECTORY",) if each in environ}
    return read(kind, {**kept, **given})


def refuse_unknown(kind: type[Settings], names: Iterable[str]) -> None:
    """Raise StartError for a name that is no setting, with the one that was perhaps meant."""
    known = [each.name.upper() for each in _declared(kind)]
    known += [alias for each in _declared(kind) for alias in each.metadata["aliases"]]
    for given in names:
        if given not in known and given not in CARRIED:
            near = difflib.get_close_matches(given, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise StartError(f"{given} is no setting of this consumer{hint}")


def _declared(kind: type[Settings]) -> list[dataclasses.Field[Any]]:
    return [each for each in dataclasses.fields(kind) if "parse" in each.metadata]


def _read_one(each: dataclasses.Field[Any], environ: Mapping[str, str], warnings: list[str]) -> Any:
    """Return one setting's value; an old name counts where the new one is not set."""
    about, variable = each.metadata, each.name.upper()
    if "credential" in about:
        return credentials.read(about["credential"], environ, variable)
    found: dict[str, Any] = {}
    for alias, parse in about["aliases"].items():
        if alias in environ:
            warnings.append(f"{alias} is an old name; {variable} is its new one")
            found[alias] = _parsed(alias, parse, environ[alias])
    if variable in environ or not found:
        found[variable] = _parsed(variable, about["parse"], environ.get(variable, about["default"]))
    first, value = next(iter(found.items()))
    for other, another in found.items():
        if another != value:
            raise StartError(f"{first} and {other} contradict each other: set {variable} alone")
    return value


def _parsed(variable: str, parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise StartError(f"{variable} must be {error}, not {text!r}") from error


def _never_when_live(made: Settings) -> str:
    if made.quantum_failpoints and made.quantum_mode == "live":
        return "QUANTUM_FAILPOINTS breaks the service on purpose: refused where the mode is live"
    return ""
