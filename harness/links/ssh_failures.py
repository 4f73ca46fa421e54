"""What paramiko, Fabric and sockets raise, as one error with host, step, cause and next action."""

from __future__ import annotations

import contextlib
import shlex
import socket
from collections.abc import Callable, Iterator

from paramiko.ssh_exception import AuthenticationException, ChannelException, SSHException

from harness.errors import QuantumError, UnreachableError
from harness.host import Host
from harness.links.trying_again import HungUpError, RefusedError

SSH_PORT = 22


@contextlib.contextmanager
def translated(host: Host, step: str, *, opening: bool = False) -> Iterator[None]:
    """Raise UnreachableError for what libraries raise inside; our own errors pass, located.

    With `opening`, a connection that is refused or ends before login raises RefusedError or
    HungUpError: worth another try.
    """
    try:
        yield
    except QuantumError as error:
        error.at(host=host.name, step=step)
        raise
    except (OSError, EOFError, SSHException) as error:
        told = _told(error, host)
        told.at(host=host.name, step=step)
        if opening and _hung_up(error):
            raise HungUpError(told) from error
        if opening and isinstance(error, ConnectionRefusedError):
            raise RefusedError(told) from error
        raise told from error


def late(host: Host, deadline_s: float) -> UnreachableError:
    """Return the error for a connection that is not there when its time is over."""
    return UnreachableError(
        f"not connected after {deadline_s:.0f} s",
        host=host.name,
        step="connecting",
        action=by_hand(host),
    )


def by_hand(host: Host) -> str:
    """Return the ssh command that shows a person the same failure."""
    words = ["ssh"]
    if host.port != SSH_PORT:
        words += ["-p", str(host.port)]
    if host.private_key:
        words += ["-i", str(host.private_key)]
    target = host.address or host.name
    return shlex.join([*words, f"{host.user}@{target}" if host.user else target])


def _told(error: Exception, host: Host) -> UnreachableError:
    for kind, cause in CAUSES:
        if isinstance(error, kind):
            return UnreachableError(cause(error, host), action=_action(error, host))
    return UnreachableError(_spoken(error), action=_action(error, host))


def _action(error: Exception, host: Host) -> str:
    if isinstance(error, ChannelException):
        return "check that it listens there, and that sshd allows it"
    if isinstance(error, socket.gaierror):
        return "check ansible_host in the inventory"
    return by_hand(host)


def _login(_error: Exception, host: Host) -> str:
    user = f" for user {host.user}" if host.user else ""
    if host.private_key:
        return f"the key {host.private_key} was not accepted{user}"
    return f"no key of yours was accepted{user}"


def _spoken(error: Exception) -> str:
    text = getattr(error, "strerror", "") or str(error)
    return text[:1].lower() + text[1:] if text else "the connection broke"


def _hung_up(error: Exception) -> bool:
    if isinstance(error, EOFError | ConnectionResetError | BrokenPipeError):
        return True
    return isinstance(error, SSHException) and "protocol banner" in str(error)


Cause = Callable[[Exception, Host], str]
#: The first that fits tells the cause; anything else speaks for itself.
CAUSES: tuple[tuple[type[Exception], Cause], ...] = (
    (AuthenticationException, _login),
    (ChannelException, lambda error, _: f"the host says: {getattr(error, 'text', error)}"),
    (
        socket.gaierror,
        lambda _, host: f"the name {host.address or host.name} does not resolve",
    ),
    (TimeoutError, lambda _, __: "no answer in time"),
    (EOFError, lambda _, __: "the connection is broken"),
)
