"""Log as JSON, one line for each event, to stdout, where the journal takes it."""

from __future__ import annotations

import logging
from typing import Any

import structlog


def start(level: str, **always: object) -> Any:
    """Set up the one way to the log and return a logger that carries `always`."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        # straight to stdout and through no handler, so that no line comes twice
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger().bind(**always)
