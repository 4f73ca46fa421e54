"""Kill a consumer at an exact command, or swallow that command's reply: the same way every time.

    trap = Trap({7: KILL_AFTER})
    context = trapped(context, trap)      # its client's links all go through the trap
    with died(): live(context, Work(context))
    live(fresh_context, Work(fresh_context))        # the one who comes after it

A boundary is one command on its way to Redis, over whatever link: the client's own, a pipeline
(each of its commands; a MULTI is one), a link that is written and read by hand. What is sent
elsewhere, to an exchange, goes through `trap.around`. Boundaries count from 1; `trap.visited` names
them, so that a run without breaks tells how many there are.
"""

import contextlib
import dataclasses
import functools
import math

import redis
from redis.exceptions import ConnectionError as LinkError
from redis.exceptions import RedisError, ResponseError

from consumers.loop.failing import TransientError
from consumers.loop.reading import Reader, join
from consumers.loop.reclaiming import Reclaimer
from streams import scripting

#: The process ends before the command leaves, or after it took effect.
KILL_BEFORE, KILL_AFTER = "kill before", "kill after"
#: The link breaks before the command leaves, or after it took effect; the process lives on.
UNSENT, LOST_REPLY = "unsent", "lost reply"
EVERY_WAY = (KILL_BEFORE, KILL_AFTER, UNSENT, LOST_REPLY)


class Killed(BaseException):
    """The process ended here: nothing that it would do next happens."""


class Trap:
    """Where the process breaks: boundary -> one of EVERY_WAY."""

    def __init__(self, plan=None):
        self.plan = dict(plan or {})
        self.visited = []
        self.sprung = []
        self.dead = False

    def arrive(self, name):
        """Count a boundary; return how it breaks after the command, "" where it does not."""
        if self.dead:
            raise Killed("the dead do nothing")
        self.visited.append(name)
        how = self.plan.get(len(self.visited), "")
        if how in (KILL_BEFORE, UNSENT):
            self.spring(how)
        return how

    def spring(self, how, error=LinkError):
        self.sprung.append((len(self.visited), self.visited[-1], how))
        if how in (KILL_BEFORE, KILL_AFTER):
            self.dead = True
            raise Killed(how)
        raise error(f"{how}: {self.visited[-1]}")

    def around(self, name, act, error=LinkError):
        """Do what is sent elsewhere as one more boundary; `error` is what a broken link raises."""
        try:
            how = self.arrive(name)
        except LinkError as broken:
            raise error(str(broken)) from broken
        answer = act()
        if how:
            self.spring(how, error)
        return answer


class TrappedLink(redis.Connection):
    """A link to Redis whose every command is a boundary; being set up is none."""

    def __init__(self, *, trap, **words):
        self._trap, self._greeting = trap, False
        super().__init__(**words)

    def on_connect_check_health(self, *args, **words):
        self._greeting = True
        try:
            super().on_connect_check_health(*args, **words)
        finally:
            self._greeting = False

    def send_packed_command(self, command, check_health=True):
        if self._greeting or self._trap.dead:
            if self._trap.dead:
                raise Killed("the dead do nothing")
            super().send_packed_command(command, check_health)
            return
        if not self.is_connected:
            self.connect()
        for name, words in atoms(command):
            try:
                how = self._trap.arrive(name)
                super().send_packed_command([words], check_health=False)
                if how:
                    self._until_done()
                    self._trap.spring(how)
            except BaseException:
                self.disconnect()
                raise

    def _until_done(self):
        """Wait until Redis has done all that was sent here."""
        super().send_packed_command(self.pack_command("PING", "all done"), check_health=False)
        answer = None
        while answer not in ("all done", b"all done"):
            with contextlib.suppress(ResponseError):
                answer = self.read_response()


def atoms(packed):
    """Yield what Redis does in one go, as (name, bytes): each command, or a whole MULTI."""
    data = packed if isinstance(packed, bytes) else b"".join(packed)
    at = 0
    while at < len(data):
        if words_of(data, at)[0][0] == b"MULTI":
            yield "MULTI", data[at:]
            return
        words, end = words_of(data, at)
        yield name_of(words), data[at:end]
        at = end


def words_of(data, at):
    """Return one command's words and where the next begins."""
    line = data.index(b"\r\n", at)
    count, at = int(data[at + 1 : line]), line + 2
    words = []
    for _ in range(count):
        line = data.index(b"\r\n", at)
        size, at = int(data[at + 1 : line]), line + 2
        words.append(data[at : at + size])
        at += size + 2
    return words, at


def name_of(words):
    """Return a script's name, else the command's."""
    return scripts().get(words[1] if len(words) > 1 else b"", words[0].decode())


@functools.cache
def scripts():
    """Return digest and text of every script -> its name."""
    known = {}
    for path in scripting.FOLDER.glob("*.lua"):
        script = scripting.load(path.stem)
        known |= {script.sha1.encode(): path.stem, script.text.encode(): path.stem}
    return known


def trapped(context, trap):
    """Return the context with a client of its own, all of whose links go through the trap."""
    pool = context.client.connection_pool
    client = redis.Redis(
        connection_pool=redis.ConnectionPool(
            connection_class=TrappedLink, trap=trap, **pool.connection_kwargs
        )
    )
    client.response_callbacks = context.client.response_callbacks
    return dataclasses.replace(context, client=client)


@contextlib.contextmanager
def died():
    """Let a trapped process end here, if it does."""
    with contextlib.suppress(Killed):
        yield


def live(context, work, most_steps=10_000):
    """Do what the loop does, without threads and pauses, until nothing waits.

    Take over from the dead at once, read own pending, then new ones; after any trouble begin again.
    """
    settings = dataclasses.replace(context.settings, claim_idle_ms=0)
    reclaimer = Reclaimer(dataclasses.replace(context, settings=settings), clock=lambda: math.inf)
    reader = Reader(context.client, context.place)
    joined = False
    for _ in range(most_steps):
        try:
            if not joined:
                join(context.client, context.place)
                reader.start_over()
                while reclaimer.run():
                    pass
                joined = True
            entries = reader.next(work.size, work.own_size, 1)
            if entries:
                work.take(entries)
            elif reader.settled:
                return
            if work.due_in_s() <= 0:
                work.tick("running")
        except (RedisError, TransientError):
            joined = False
    raise AssertionError(f"it did not come to rest in {most_steps} steps")
