"""Asking for the login service and logging in go out together; a refusal is told as ever.

The lab's tests log in to OpenSSH by it; here the other end is paramiko's, which refuses by name.
"""

import contextlib
import socket
import threading

import paramiko
import pytest
from paramiko.common import MSG_USERAUTH_REQUEST

from harness.errors import UnreachableError
from harness.host import Host
from harness.links.eager import EagerTransport
from harness.links.ssh import connect
from tests.waiting import until


class Door(paramiko.ServerInterface):
    tried = 0

    def check_auth_publickey(self, username, key):
        self.tried += 1
        if (username, self.tried) == ("second", 2):
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_SUCCESSFUL if username == "ops" else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username):
        return "publickey"


@pytest.fixture
def host(tmp_path):
    """A function: user -> a host that lets `ops` in, and nobody else."""
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "key"))
    transports = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    transport = paramiko.Transport(server.accept()[0])
                    transport.add_server_key(key)
                    transport.start_server(event=threading.Event(), server=Door())
                    transports.append(transport)

        threading.Thread(target=serve, daemon=True).start()
        yield lambda user: Host(
            name="h", inventory="i", mode="sandbox", roles=(), address="127.0.0.1", port=port,
            user=user, private_key=tmp_path / "key", known_hosts=tmp_path / "known",
        )  # fmt: skip
    for transport in transports:
        transport.close()


def test_who_is_known_is_let_in(host):
    with connect(host("ops")) as connection:
        transport = connection._transport("looking")
        assert isinstance(transport, EagerTransport)
        assert transport.is_authenticated()


def test_who_is_refused_is_told_which_key_was_not_accepted(host):
    with pytest.raises(UnreachableError, match="was not accepted for user mallory"):
        connect(host("mallory"))


def test_a_second_key_may_be_tried_after_the_first_was_refused(host):
    there = host("ops")
    with socket.create_connection(("127.0.0.1", there.port)) as sock:
        transport = EagerTransport(sock)
        transport.start_client(timeout=20)
        key = paramiko.ECDSAKey.generate()
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey("second", key)
        assert transport.auth_publickey("second", key) == []
        transport.close()


class Overtaken(EagerTransport):
    """Comes back from sending only when what was asked has been answered."""

    def _send_message(self, message):
        super()._send_message(message)
        handler = self.auth_handler
        if message.asbytes()[0] == MSG_USERAUTH_REQUEST:
            until(lambda: handler.is_authenticated() or handler.username is None)


@pytest.mark.parametrize(("user", "refused"), [("ops", False), ("mallory", True)])
def test_an_answer_that_is_faster_than_the_one_who_asks_is_heard(host, user, refused):
    there = host(user)
    with socket.create_connection(("127.0.0.1", there.port)) as sock:
        transport = Overtaken(sock)
        transport.auth_timeout = 20
        transport.start_client(timeout=20)
        key = paramiko.ECDSAKey.generate()
        if refused:
            with pytest.raises(paramiko.AuthenticationException, match="Authentication failed"):
                transport.auth_publickey(user, key)
        else:
            assert transport.auth_publickey(user, key) == []
        transport.close()
