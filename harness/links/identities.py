"""The keys that may open a hop, tried in ssh's order: the agent's first, then files."""

from __future__ import annotations

import base64
import binascii
import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from paramiko.agent import AgentKey, AgentSSH
from paramiko.pkey import PKey
from paramiko.ssh_exception import AuthenticationException, SSHException
from paramiko.transport import Transport

from harness.errors import ConfigurationError
from harness.links import private_keys
from harness.links.route import Hop

#: How long an agent may take to name its keys, in seconds.
AGENT_WITHIN_S = 5.0


class NotAcceptedError(AuthenticationException):
    """No key was let in; its text says which were tried, and which could not be."""


class Agent(AgentSSH):
    """The ssh agent at a socket; one that is not there, or hangs, has no keys and says why."""

    def __init__(self, path: str, until: float) -> None:
        super().__init__()
        self.silent = ""
        left = max(0.1, until - time.monotonic())
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(min(left, AGENT_WITHIN_S))
        try:
            self._socket.connect(path)
            self._connect(self._socket)  # type: ignore[attr-defined] # its stubs leave it out
        except (OSError, SSHException) as error:
            why = getattr(error, "strerror", "") or str(error)
            self.silent = f"the ssh agent at {path} gives no keys: {why.lower()}"
        # to sign may ask a person
        self._socket.settimeout(left)

    def close(self) -> None:
        """Leave the agent; its keys sign no more."""
        self._socket.close()


class Identities:
    """Logs in to a hop (a paramiko AuthStrategy) until a moment of the monotonic clock."""

    def __init__(self, hop: Hop, until: float) -> None:
        self._hop, self._until = hop, until
        self._tried: list[str] = []
        self._left_out: list[str] = []

    def authenticate(self, transport: Transport) -> None:
        """Log in with the first key that is accepted; raises NotAcceptedError."""
        agent = None
        if self._hop.agent and not self._hop.key:
            agent = Agent(self._hop.agent, self._until)
            self._left_out += [agent.silent] if agent.silent else []
        try:
            for name, key in self._keys(agent):
                self._tried.append(name)
                try:
                    more = transport.auth_publickey(self._hop.user, key)
                except AuthenticationException:
                    more = None
                if more:
                    raise NotAcceptedError(f"it takes {name} and wants {' or '.join(more)} too")
                if more is not None:
                    return
                if not transport.is_active():
                    break
        finally:
            if agent:
                agent.close()
        raise NotAcceptedError(self._told(hung_up=not transport.is_active()))

    def _told(self, *, hung_up: bool) -> str:
        user = f"for user {self._hop.user}"
        if self._hop.key:
            return f"the key {self._hop.key} was not accepted {user}"
        if not self._tried:
            text = f"no key of yours was accepted {user}: there is none to try"
        else:
            text = f"no key of yours was accepted {user}: tried {', '.join(self._tried)}"
        if hung_up and len(self._tried) > 1:
            text += (
                "; it hung up then, as sshd does after too many keys:"
                " IdentitiesOnly and IdentityFile in ssh_config name the right one"
            )
        return "; ".join([text, *self._left_out])

    def _keys(self, agent: Agent | None) -> Iterator[tuple[str, PKey]]:
        """Yield keys with their names for messages."""
        if self._hop.key:
            yield str(self._hop.key), private_keys.load(self._hop.key)
            return
        offered = list(agent.get_keys()) if agent else []
        by_blob: dict[bytes, AgentKey] = {key.asbytes(): key for key in offered}
        asked = [
            by_blob.pop(blob) for blob in map(_public, self._hop.identities) if blob in by_blob
        ]
        signing = {key.asbytes() for key in asked}
        for key in [*asked, *([] if self._hop.identities_only else by_blob.values())]:
            yield f"{key.comment or key.get_name()} of the agent", key
        for path in self._hop.identities:
            if _public(path) in signing:
                continue
            if loaded := self._loaded(path):
                yield str(path), loaded

    def _loaded(self, path: Path) -> PKey | None:
        try:
            return private_keys.load(path)
        except ConfigurationError as error:
            if self._hop.named or path.exists():
                remedy = f" (ssh-add {path})" if "passphrase" in error.cause else ""
                self._left_out.append(f"{error.cause}{remedy}")
            return None


def _public(path: Path) -> bytes | None:
    """Return the public part of a key file, from the file beside it or from itself."""
    for each in (path.with_name(f"{path.name}.pub"), path):
        with contextlib.suppress(OSError, ValueError, IndexError, binascii.Error):
            kind, blob = each.read_bytes()[:16384].split()[:2]
            if kind.startswith((b"ssh-", b"ecdsa-", b"sk-")):
                return base64.b64decode(blob, validate=True)
    return None
