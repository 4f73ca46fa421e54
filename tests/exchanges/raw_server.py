"""A server that answers with any bytes at all, once for each connection."""

import contextlib
import socket
import threading


class RawServer:
    """Read one request for each connection and hand the connection to `reply(connection)`."""

    def __init__(self, reply):
        self.reply, self.requests = reply, []
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            self.requests.append(whole_request(connection))
            with contextlib.suppress(OSError):  # the caller may hang up first
                self.reply(connection, self._over)

    def close(self):
        self._over.set()
        self._listening.close()


def whole_request(connection):
    read = b""
    while b"\r\n\r\n" not in read:
        more = connection.recv(65_536)
        if not more:
            return read
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def sends(*pieces, gap_s=0.0, for_ever=b""):
    """Return a reply that sends the pieces, then `for_ever` again and again, with gaps."""

    def reply(connection, over):
        for piece in pieces:
            connection.sendall(piece)
            over.wait(gap_s)
        while for_ever and not over.is_set():
            connection.sendall(for_ever)
            over.wait(gap_s or 0.02)

    return reply


def answer(body, status="200 OK", kind="application/json", more=""):
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body
