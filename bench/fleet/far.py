"""A host that is far away: a proxy on loopback that holds back what goes either way.

It also counts round trips itself: as often as the client sends something after it has heard
something, it has waited for that. The one of TCP's own opening is counted with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

CHUNK = 65536
OUT, IN = "out", "in"


@dataclass
class Far:
    """The port to connect to, and what went through, each as (when, which way) for the client."""

    round_trip_s: float
    port: int = 0
    seen: list[tuple[float, str]] = field(default_factory=list)
    left_at: float = 0.0  #: when the client hung up

    def round_trips(self) -> int:
        """Return how often the client waited, TCP's opening included, and forget what was seen."""
        seen, self.seen = sorted(self.seen), []
        return waits([each for each in seen if each[0] <= self.left_at], 0.4 * self.round_trip_s)


def waits(seen: list[tuple[float, str]], least_s: float) -> int:
    """Return how often something was sent after a wait for what was heard, and one for opening.

    What is heard within `least_s` of the last sending answers something earlier. Pure.
    """
    count, sent_at, heard = 1, None, False
    for at, way in seen:
        if way == IN:
            heard = heard or (sent_at is not None and at - sent_at >= least_s)
        else:
            count += heard
            sent_at, heard = (at, False) if sent_at is None or heard else (sent_at, heard)
    return count + heard


@contextlib.contextmanager
def away(address: str, round_trip_s: float, port: int = 22) -> Iterator[Far]:
    """Have the host's sshd behind such a way while the block runs."""
    far, loop, ready = Far(round_trip_s), asyncio.new_event_loop(), threading.Event()
    stop: list[asyncio.Future[None]] = []

    async def serve() -> None:
        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _carry(far, (address, port), reader, writer)

        server = await asyncio.start_server(one, "127.0.0.1", 0)
        far.port = server.sockets[0].getsockname()[1]
        stop.append(loop.create_future())
        ready.set()
        await stop[0]
        server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield far
    finally:
        loop.call_soon_threadsafe(stop[0].set_result, None)
        thread.join(10)


async def _carry(
    far: Far, where: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    one_way_s = far.round_trip_s / 2
    # the kernel has let the client in at once: it would have waited, and its first word after it
    await asyncio.sleep(far.round_trip_s + one_way_s)
    there, back = await asyncio.open_connection(*where)
    await asyncio.gather(
        _pipe(far, OUT, reader, back, one_way_s=one_way_s),
        _pipe(far, IN, there, writer, one_way_s=one_way_s),
    )
    for each in (back, writer):
        each.close()


async def _pipe(
    far: Far,
    way: str,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    one_way_s: float,
) -> None:
    loop = asyncio.get_running_loop()
    held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await held.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                with contextlib.suppress(OSError, RuntimeError):
                    writer.write_eof()
                return
            writer.write(data)

    delivering = asyncio.ensure_future(deliver())
    while True:
        data = b""
        with contextlib.suppress(OSError):
            data = await reader.read(CHUNK)
        now = loop.time()
        if data:
            # the client hears it when it is delivered
            far.seen.append((now if way == OUT else now + one_way_s, way))
        elif way == OUT:
            far.left_at = now
        held.put_nowait((now + one_way_s, data))
        if not data:
            break
    await delivering
