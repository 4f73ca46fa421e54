"""Fill in templates so that nothing is missing, nothing is injected and no secret gets out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import jinja2
from jinja2 import StrictUndefined, TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.ext import Extension

from harness.errors import RenderingError
from harness.host import Host
from harness.inventory.secret_references import SecretReference
from harness.masking import Secret

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

#: What systemd reads from an EnvironmentFile as it stands, without quotes.
_BARE = re.compile(r"[A-Za-z0-9_.:/@,+=-]*")
#: Bytes that redis.conf takes inside double quotes as they stand.
_AS_IS = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')
#: What a unit file takes as one word that is no specifier and no quote.
_UNIT_WORD = re.compile(r"[A-Za-z0-9_.:/@,+=%-]+")


class _RefusedError(Exception):
    """A value that may not be written into this template; the message holds no value."""


class _Kept(StrictUndefined):
    """Stands in for a secret where none may be written: any use of it raises."""


def envvalue(value: object) -> str:
    """Quote a value for systemd's EnvironmentFile; one line, or refused."""
    text = _line(value)
    if _BARE.fullmatch(text):
        return text
    return '"' + re.sub(r'(["\\$`])', r"\\\1", text) + '"'


def redisvalue(value: object) -> str:
    """Quote a value for redis.conf, whatever bytes it holds."""
    escaped = (chr(byte) if byte in _AS_IS else f"\\x{byte:02x}" for byte in _text(value).encode())
    return '"' + "".join(escaped) + '"'


def unitvalue(value: object) -> str:
    """Write a value as one word of a unit file; what systemd would expand or split is refused."""
    text = _line(value)
    if not _UNIT_WORD.fullmatch(text):
        raise _RefusedError("is no single word that a unit file could hold")
    return text.replace("%", "%%")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Kept) or not isinstance(value, str | int | float):
        return str(_writable(value))
    return str(value)


def _line(value: object) -> str:
    return str(_writable(_text(value)))


def _writable(value: object) -> object:
    """Let through what may stand in a file: every `{{ }}` passes here."""
    if isinstance(value, Secret | SecretReference):
        raise _RefusedError("holds a secret, and this template does not say that it may")
    if value is None or isinstance(value, Mapping | list | tuple | set):
        raise _RefusedError("has nothing in it" if value is None else "is not a single value")
    text = str(value)
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            raise _RefusedError(f"holds a control character (U+{ord(character):04X})")
    return text if not isinstance(value, bool) else _text(value)


def _environment(folder: Path, extensions: Sequence[type[Extension]] = ()) -> jinja2.Environment:
    made = jinja2.Environment(
        extensions=extensions,
        loader=jinja2.FileSystemLoader(folder),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - units, env files and redis.conf are no HTML
        finalize=_writable,
    )
    made.filters |= {"envvalue": envvalue, "redisvalue": redisvalue, "unitvalue": unitvalue}
    return made


_ENVIRONMENT = _environment(TEMPLATES)


def render(
    source: str,
    host: Host,
    extra: Mapping[str, object],
    *,
    templates: Path = TEMPLATES,
    extensions: Sequence[type[Extension]] = (),
) -> str:
    """Return templates/`source` filled in for `host`.

    In scope: the host's values, `host` itself, and `extra`, which wins. Secrets are readable only
    when `extra["secret"]` is true. Raises RenderingError with template, line, cause and host.
    """
    usual = templates == TEMPLATES and not extensions
    environment = _ENVIRONMENT if usual else _environment(templates, extensions)
    may_hold = bool(extra.get("secret", False))
    values = {n: _for_template(n, v, may_hold=may_hold) for n, v in host.values.items()}
    scope = {
        "host": replace(host, values=values),
        **values,
        **{n: _for_template(n, v, may_hold=may_hold) for n, v in extra.items()},
    }
    try:
        return environment.get_template(source).render(scope)
    except TemplateNotFound as error:
        _refuse(source, 0, f"there is no template {error.name}", host)
    except TemplateSyntaxError as error:
        _refuse(error.name or source, error.lineno, f"{error.message}", host)
    except UndefinedError as error:
        where, line = _where(error.__traceback__, source, templates)
        _refuse(where, line, f"{error.message}", host)
    except _RefusedError as error:
        where, line = _where(error.__traceback__, source, templates)
        _refuse(where, line, f"{_expression(templates / where, line)} {error}", host)
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        where, line = _where(error.__traceback__, source, templates)
        _refuse(
            where, line, f"{_expression(templates / where, line)}: {type(error).__name__}", host
        )


def _for_template(name: str, value: object, *, may_hold: bool) -> object:
    if not isinstance(value, Secret):
        return value
    if may_hold:
        return value.reveal_text()
    return _Kept(hint=f"'{name}' is a secret, and this file does not say that it may hold one")


def _refuse(source: str, line: int, cause: str, host: Host) -> NoReturn:
    where = f"templates/{source}" + (f":{line}" if line else "")
    raise RenderingError(
        f"{where}: {cause}",
        host=host.name,
        step="render",
        action=f"set the variable in inventory {host.inventory}, or correct the template",
    ) from None


def _where(trace: TracebackType | None, source: str, templates: Path) -> tuple[str, int]:
    """Return the innermost template and line that an exception passed through."""
    found = (source, 0)
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(templates):
            found = (str(path.relative_to(templates)), trace.tb_lineno)
        trace = trace.tb_next
    return found


def _expression(template: Path, line: int) -> str:
    """Return the expressions of a template's line: names, never values."""
    try:
        text = template.read_text().splitlines()[line - 1] if line else ""
    except (OSError, IndexError):
        text = ""
    return " ".join(re.findall(r"{{.*?}}", text)) or "a value"
