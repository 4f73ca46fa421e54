"""P3.5: count every apply.result once, by minute, decision and reason, and show the windows.

    python -m consumers.decision_intelligence [--check-config [ENV_FILE]]

Exit codes: 0 stopped as asked, 3 a configuration that cannot work (one line on stderr says which).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from consumers import settings as reading_settings
from consumers.failing import MISCONFIGURED, GroupMovedError, SpoiledKeyError, StartError
from consumers.settings import Settings

USAGE = "usage: python -m consumers.decision_intelligence [--check-config [ENV_FILE]]"


def main(words: list[str]) -> int:
    """Run until asked to stop, or check the settings; return the exit code."""
    try:
        match words:
            case []:
                return run(reading_settings.read(os.environ))
            case ["--check-config"]:
                reading_settings.read(os.environ)
            case ["--check-config", path]:
                reading_settings.read_file(Path(path), os.environ)
            case _:
                raise StartError(USAGE)
    except StartError as error:
        print(f"decision intelligence: {error}", file=sys.stderr)  # noqa: T201  one plain line
        return MISCONFIGURED
    print("settings: ok")  # noqa: T201
    return 0


def run(settings: Settings) -> int:
    """Connect, take the name, join the group, work, leave."""
    # late, so that a bad setting is told at once
    from consumers import connecting, heartbeat, logs, notifying, stopping
    from consumers.working import Work

    stop = stopping.Stop()
    stop.listen()
    log = logs.start(settings.log_level, service="p35", consumer=settings.consumer_name)
    notifier = notifying.Notifier(os.environ)
    client: Any = connecting.connect(settings, stop, notifier, log)
    if client is None:
        return 0
    work = Work(client, settings, notifier, stop, log)
    ...
    return 0
