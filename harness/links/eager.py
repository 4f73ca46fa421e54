"""Log in with one round trip less: who may log in is asked together with the login itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from paramiko.auth_handler import AuthOnlyHandler
from paramiko.common import cMSG_SERVICE_REQUEST
from paramiko.message import Message
from paramiko.ssh_exception import SSHException
from paramiko.transport import ServiceRequestingTransport


class _Login(AuthOnlyHandler):
    """Is ready for the answer before it asks.

    Paramiko makes the event that an answer sets after it has sent the question. An answer that is
    faster is missed, and the login waits for its whole deadline although the host has let us in.
    """

    _answered: threading.Event | None = None

    @property
    def auth_event(self) -> threading.Event | None:
        """Return what an answer sets."""
        return self._answered

    @auth_event.setter
    def auth_event(self, event: threading.Event | None) -> None:
        if self._answered is None:
            self._answered = event

    def send_auth_request(self, *args: Any, **options: Any) -> Any:
        """Ask, and wait for the answer to that."""
        self._answered = threading.Event()
        return super().send_auth_request(*args, **options)


class EagerTransport(ServiceRequestingTransport):
    """Does not wait until sshd says that it would hear a login: the next message is one.

    sshd takes them in order. One that would hear none hangs up, as it does on who waits.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._asked = False

    active: bool  # paramiko's own, which its types leave out
    _send_message: Callable[[Message], None]

    def ensure_session(self) -> None:
        """Ask for the service once, and have the handler that logs in by it."""
        if not self.active or not self.initial_kex_done:
            raise SSHException("the connection is not open")
        if self._asked:
            return
        self._asked = True
        request = Message()
        request.add_byte(cMSG_SERVICE_REQUEST)
        request.add_string("ssh-userauth")
        self._send_message(request)
        self.auth_handler = _Login(self)
