"""A TCP proxy before Redis that swallows chosen replies after their effect, and hangs up."""

import contextlib
import socket
import threading

from streams import scripting


class Proxy:
    """While `armed` is above 0, replies to the marked command are lost, one link each.

    A mark is the name of a script, or "read".
    """

    def __init__(self, port, mark):
        self._to = port
        self._mark = b"XREADGROUP" if mark == "read" else scripting.load(mark).sha1.encode()
        self.armed = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=[near], daemon=True).start()

    def _carry(self, near):
        with near, socket.create_connection(("127.0.0.1", self._to)) as far:
            lose = threading.Event()
            threading.Thread(target=self._back, args=[near, far, lose], daemon=True).start()
            try:
                while data := near.recv(1 << 20):
                    if self.armed and self._mark in data:
                        self.armed -= 1
                        lose.set()
                    far.sendall(data)
            except OSError:
                return

    @staticmethod
    def _back(near, far, lose):
        try:
            while data := far.recv(1 << 20):
                if lose.is_set():
                    break
                near.sendall(data)
        except OSError:
            pass
        for each in (near, far):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.close()
