"""What paramiko, Fabric and sockets raise, as one error with host, step, cause and next action."""

from __future__ import annotations

import contextlib
import shlex
import socket
from collections.abc import Callable, Iterator

from paramiko.ssh_exception import AuthenticationException, ChannelException, SSHException

from harness.errors import QuantumError, UnreachableError
from harness.host import Host
from harness.links.route import Hop
from harness.links.trying_again import HungUpError, RefusedError

#: RFC 4254: why a channel is not opened.
PROHIBITED = 1


@contextlib.contextmanager
def translated(host: Host, step: str, hop: Hop) -> Iterator[None]:
    """Raise UnreachableError for what libraries raise inside; our own errors pass, located."""
    try:
        yield
    except QuantumError as error:
        error.at(host=host.name, step=step)
        raise
    except (OSError, EOFError, SSHException) as error:
        raise _told(error, hop).at(host=host.name, step=step) from error


@contextlib.contextmanager
def opening(host: Host, hop: Hop, before: Hop | None) -> Iterator[None]:
    """Do the same on the way to a hop, and tell what does not answer: it, or the one before.

    What is refused or ends before login raises RefusedError or HungUpError: worth another try.
    """
    step = step_to(hop, before)
    try:
        yield
    except QuantumError as error:
        error.at(host=host.name, step=step)
        raise
    except ChannelException as error:
        assert before
        told = _not_passed_on(error, hop, before)
        told.at(host=host.name, step=step)
        if error.code == PROHIBITED:
            raise told from error
        raise RefusedError(told) from error
    except (OSError, EOFError, SSHException) as error:
        told = _told(error, hop)
        told.at(host=host.name, step=step)
        if _hung_up(error):
            # a program that ends at once is rather wrong than unlucky: soon told
            raise (RefusedError if hop.command else HungUpError)(told) from error
        if isinstance(error, ConnectionRefusedError):
            raise RefusedError(told) from error
        raise told from error


def step_to(hop: Hop, before: Hop | None) -> str:
    """Return what is being done when a hop is entered, in words."""
    if hop.jump:
        return f"connecting to the jump host {hop.name}"
    return f"connecting through {before.name}" if before else "connecting"


def late(
    host: Host, deadline_s: float, hop: Hop, before: Hop | None, *, cause: str = ""
) -> UnreachableError:
    """Return the error for a connection that is not there when its time is over."""
    who = f": {before.name} lets us in, {hop.name} behind it does not answer" if before else ""
    return UnreachableError(
        cause or f"not connected after {deadline_s:.0f} s{who}",
        host=host.name,
        step=step_to(hop, before),
        action=_passing_on(hop, before) if before else hop.by_hand,
    )


def _not_passed_on(error: ChannelException, hop: Hop, before: Hop) -> UnreachableError:
    place = "{}:{}".format(*hop.place)
    if error.code == PROHIBITED:
        return UnreachableError(
            f"{before.name} lets us in and does not let us on to {place}",
            action=f"look at AllowTcpForwarding and PermitOpen in the sshd_config of {before.name}",
        )
    return UnreachableError(
        f"{before.name} lets us in, {hop.name} behind it ({place}) is not reached: {error.text}",
        action=_passing_on(hop, before),
    )


def _passing_on(hop: Hop, before: Hop) -> str:
    """Return the command that shows whether the hop before reaches this one."""
    first, *rest = shlex.split(before.by_hand)
    return shlex.join([first, "-W", "{}:{}".format(*hop.place), *rest])


def _told(error: Exception, hop: Hop) -> UnreachableError:
    for kind, cause in CAUSES:
        if isinstance(error, kind):
            return UnreachableError(cause(error, hop), action=_action(error, hop))
    return UnreachableError(_spoken(error), action=_action(error, hop))


def _action(error: Exception, hop: Hop) -> str:
    if isinstance(error, ChannelException):
        return "check that it listens there, and that sshd allows it"
    if isinstance(error, socket.gaierror) and not hop.jump:
        return "check ansible_host in the inventory"
    return hop.by_hand


def _spoken(error: Exception) -> str:
    text = getattr(error, "strerror", "") or str(error)
    return text[:1].lower() + text[1:] if text else "the connection broke"


def _hung_up(error: Exception) -> bool:
    if isinstance(error, EOFError | ConnectionResetError | BrokenPipeError):
        return True
    return isinstance(error, SSHException) and "protocol banner" in str(error)


Cause = Callable[[Exception, Hop], str]
#: The first that fits tells the cause; anything else speaks for itself.
CAUSES: tuple[tuple[type[Exception], Cause], ...] = (
    (AuthenticationException, lambda error, _: str(error)),
    (ChannelException, lambda error, _: f"the host says: {getattr(error, 'text', error)}"),
    (socket.gaierror, lambda _, hop: f"the name {hop.where.hostname} does not resolve"),
    (TimeoutError, lambda _, __: "no answer in time"),
    (EOFError, lambda _, __: "the connection is broken"),
)
