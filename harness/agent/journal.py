"""The journal of one transaction: a line per step, durable before the step runs."""

from __future__ import annotations

import json
import os

from .boundaries import cross
from .placing import sync_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "journal.jsonl"


class Journal:
    """Append-only lines in a transaction's folder."""

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, NAME)

    def append(self, record: dict[str, Any]) -> None:
        """Write one record; when this returns, it will be there after a crash."""
        cross()
        begun = os.path.exists(self.path)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        opened = os.open(self.path, flags, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if not begun:
            sync_folder(os.path.dirname(self.path))
        cross()

    def records(self) -> list[dict[str, Any]]:
        """Return the records; a last line that was cut short belongs to a step that never ran."""
        try:
            with open(self.path, "rb") as file:
                whole = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in whole]
