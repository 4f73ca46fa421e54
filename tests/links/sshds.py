"""SSH servers on loopback that jump, refuse, hang up and swallow as they are told.

They are paramiko's, so that they run everywhere; the real sshd is asked the same in tests/lab.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

import paramiko
from paramiko.common import cMSG_CHANNEL_SUCCESS
from paramiko.pkey import PKey


def pump(one, other) -> None:
    with contextlib.suppress(OSError, EOFError):
        while data := one.recv(65536):
            other.sendall(data)
    for each in (one, other):
        with contextlib.suppress(OSError, EOFError):
            each.close()


class Answering(paramiko.Transport):
    """A connection that knows when it has said yes to a channel's request.

    paramiko answers after the handler has returned. A program that ends before that would have its
    channel closed in front of the answer, which no real sshd does.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.said_yes = threading.Event()

    def _send_user_message(self, data: paramiko.Message) -> None:
        super()._send_user_message(data)
        if data.asbytes()[:1] == cMSG_CHANNEL_SUCCESS:
            self.said_yes.set()


class Sshd:
    """One server; `passes_on` and `starts` are yes, no or never (no answer)."""

    def __init__(self, name: str, accepted: Iterable[PKey], *, most_keys: int = 100) -> None:
        self.name, self.accepted, self.most_keys = name, list(accepted), most_keys
        self.host_key = paramiko.ECDSAKey.generate()
        self.passes_on, self.starts, self.hangs_up = "yes", "yes", 0
        self.met = 0
        self.offered: list[PKey] = []
        self.users: list[str] = []
        self.passed_on: list[tuple[str, int]] = []
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port = self.listener.getsockname()[1]
        self.transports: list[paramiko.Transport] = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def line(self) -> str:
        """Return the line of known_hosts that vouches for it."""
        return f"[127.0.0.1]:{self.port} {self.host_key.get_name()} {self.host_key.get_base64()}\n"

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.met += 1
            if self.met <= self.hangs_up:
                sock.close()
                continue
            transport = Answering(sock)
            transport.add_server_key(self.host_key)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(event=threading.Event(), server=Visit(self, transport))
                self.transports.append(transport)

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for each in self.transports:
            each.close()


class Visit(paramiko.ServerInterface):
    """One connection to a server."""

    def __init__(self, sshd: Sshd, transport: Answering) -> None:
        self.sshd, self.transport, self.failed = sshd, transport, 0
        self.sockets: dict[int, socket.socket] = {}

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: PKey) -> int:
        self.sshd.users.append(username)
        self.sshd.offered.append(key)
        if key in self.sshd.accepted:
            return paramiko.AUTH_SUCCESSFUL
        self.failed += 1
        if self.failed >= self.sshd.most_keys:
            self.transport.close()
        return paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, number: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_direct_tcpip_request(self, number: int, _origin, place) -> int:
        if self.sshd.passes_on == "never":
            self.sshd.over.wait()
        if self.sshd.passes_on != "yes":
            return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        self.sshd.passed_on.append(place)
        try:
            self.sockets[number] = socket.create_connection(place)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        threading.Thread(target=self.accept, daemon=True).start()
        return paramiko.OPEN_SUCCEEDED

    def accept(self) -> None:
        channel = self.transport.accept(30)
        if channel and (sock := self.sockets.pop(channel.get_id(), None)):
            threading.Thread(target=pump, args=(channel, sock), daemon=True).start()
            pump(sock, channel)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.sshd.starts == "never":
            self.sshd.over.wait()
        if self.sshd.starts == "yes":
            self.transport.said_yes.clear()
            threading.Thread(target=self.run, args=(channel, command), daemon=True).start()
        return True

    def run(self, channel: paramiko.Channel, command: bytes) -> None:
        if not self.transport.said_yes.wait(60):
            channel.close()
            return
        process = subprocess.Popen(
            command, shell=True, bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        threading.Thread(target=self.feed, args=(channel, process.stdin), daemon=True).start()
        with process, contextlib.suppress(OSError):
            while data := process.stdout.read(65536):
                channel.sendall(data)
            channel.sendall_stderr(process.stderr.read())
            channel.send_exit_status(process.wait())
        channel.close()

    def feed(self, channel: paramiko.Channel, program) -> None:
        with contextlib.suppress(OSError, EOFError, ValueError):
            while data := channel.recv(65536):
                program.write(data)
        with contextlib.suppress(OSError):
            program.close()


class KeyAgent:
    """An ssh agent with these keys: it names them and signs."""

    def __init__(self, path: Path, keys: Iterable[PKey]) -> None:
        self.path, self.keys, self.signed = path, list(keys), 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock, sock.makefile("rb") as asked:
            while head := asked.read(4):
                message = paramiko.Message(asked.read(int.from_bytes(head)))
                answer = self.answered(message)
                sock.sendall(len(answer).to_bytes(4) + answer)

    def answered(self, asked: paramiko.Message) -> bytes:
        said = paramiko.Message()
        if asked.get_byte() == b"\x0b":
            said.add_byte(b"\x0c")
            said.add_int(len(self.keys))
            for number, key in enumerate(self.keys):
                said.add_string(key.asbytes())
                said.add_string(f"number {number}")
            return said.asbytes()
        blob, data = asked.get_binary(), asked.get_binary()
        key = next(key for key in self.keys if key.asbytes() == blob)
        self.signed += 1
        said.add_byte(b"\x0e")
        said.add_string(key.sign_ssh_data(data).asbytes())
        return said.asbytes()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
