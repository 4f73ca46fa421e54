"""Send a script and hear its answer later, so that we work while the server does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from streams import scripting


class Sender:
    """One script at a time under way, over a link of its own."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._link: Any = None
        self._under_way: tuple[str, Sequence[str], Sequence[str | int | bytes]] | None = None

    def send(self, name: str, keys: Sequence[str], args: Sequence[str | int | bytes]) -> None:
        """Send it; redis-py's errors pass through, and then nobody knows whether it ran."""
        if self._link is None:
            self._link = self._client.connection_pool.get_connection()
        self._under_way = (name, keys, args)
        words = ("EVALSHA", scripting.load(name).sha1, len(keys), *keys, *args)
        try:
            self._link.send_command(*words)
        except BaseException:
            self.drop()
            raise

    def hear(self) -> Any:
        """Return the answer to what was sent."""
        assert self._under_way is not None
        sent = self._under_way
        try:
            answer = self._link.read_response()
        except NoScriptError:
            # nothing ran there, so running it now is no repetition
            return scripting.run(self._client, *sent)
        except BaseException:
            self.drop()
            raise
        finally:
            self._under_way = None
        return answer

    def drop(self) -> None:
        """Hear no more of what is under way."""
        if self._link is not None:
            self._link.disconnect()
        self._under_way = None
