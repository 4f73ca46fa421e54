"""What every command shares: errors as a few clear lines, the right exit code, no traceback."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NoReturn, TypeVar, overload

from invoke.exceptions import Exit
from invoke.tasks import Task, task

from harness.errors import DONE, FAILED, IN_DOUBT, QuantumError

F = TypeVar("F", bound=Callable[..., Any])


@overload
def command(function: F) -> Task[Any]: ...
@overload
def command(**options: Any) -> Callable[[F], Task[Any]]: ...
def command(function: Any = None, **options: Any) -> Any:
    """Make an Invoke task whose errors a person can read.

    The function returns an exit code or None; a QuantumError is printed with host, step, cause
    and next action, and ends with its own code. Ctrl-C and SIGTERM unwind everything first.
    """
    if function is None:
        return lambda inner: command(inner, **options)

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        signal.signal(signal.SIGTERM, _as_interrupt)
        try:
            code = function(*args, **kwargs)
        except QuantumError as error:
            say_error(error, as_json=bool(kwargs.get("json")))
            raise Exit(code=error.exit_code) from None
        except KeyboardInterrupt:
            _forget_the_interrupt()
            sys.stderr.write("interrupted; what was not committed has been put back\n")
            raise Exit(code=IN_DOUBT) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise Exit(code=FAILED) from None
        if code:
            raise Exit(code=code)

    return task(run, **options)


def end_quietly_if_only_printing(words: Sequence[str]) -> None:
    """End without a word when nobody reads a list or a help to its end; never in other commands.

    Invoke prints both itself and would answer a closed pipe with a traceback.
    """
    if {"-l", "--list", "-h", "--help"} & set(words) and hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def say_error(error: QuantumError, *, as_json: bool = False) -> None:
    """Print one error to stderr, and with `--json` as a document to stdout too."""
    sys.stderr.write(f"error: {error}\n")
    if as_json:
        document = {
            "error": {
                "kind": type(error).__name__,
                "host": error.host,
                "step": error.step,
                "cause": error.cause,
                "action": error.action,
            },
            "exit_code": error.exit_code,
        }
        print_json(document)


def print_json(document: object) -> None:
    """Print one machine-readable document to stdout."""
    sys.stdout.write(json.dumps(document, indent=2, sort_keys=True, default=str) + "\n")


def confirm(question: str, *, yes: bool) -> bool:
    """Ask on a terminal; without one only `--yes` says yes."""
    if yes:
        return True
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _as_interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _forget_the_interrupt() -> None:
    """Let the exit code hold, wherever the interrupt fell.

    Where it falls into text that is being run, as each dataclass is when its module is imported,
    Python keeps it in mind although it was caught, and dies of the signal in the end. Any other
    text that is run makes it forget.
    """
    exec("")  # noqa: S102


__all__ = ["DONE", "command", "confirm", "print_json", "say_error"]
