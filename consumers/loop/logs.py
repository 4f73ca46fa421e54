"""Log as JSON, one line for each event, to stdout, where the journal takes it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from consumers.loop.writing import as_json
from streams.moments import iso


def _stamp(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    # structlog's own puts the date together anew for each line
    event["timestamp"] = iso(time.time_ns() // 1_000_000)
    return event


def start(level: str, **always: object) -> Any:
    """Set up the one way to the log and return a logger that carries `always`."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _stamp,
            structlog.processors.JSONRenderer(as_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        # straight to stdout and through no handler, so that no line comes twice
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger().bind(**always)
