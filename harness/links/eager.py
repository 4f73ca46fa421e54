"""Log in with one round trip less: who may log in is asked together with the login itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paramiko.common import cMSG_SERVICE_REQUEST
from paramiko.message import Message
from paramiko.ssh_exception import SSHException
from paramiko.transport import ServiceRequestingTransport


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
        self.auth_handler = self.get_auth_handler()
