"""Structured logs that cannot leak: only keys of the allow-list are written, and never a body, a header or a message.

A log line is an event's dotted name with ids, codes and numbers. An exception is its class and where it was raised; its
text may hold a patient's name, so it is left out.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from traceback import extract_tb
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "event", "level", "timestamp",
        "request_id", "method", "route", "status", "milliseconds", "app",
        "delivery_id", "kind", "clinic_id", "connection", "account", "adapter", "operation", "state", "attempt",
        "verdict", "code", "why", "webhook_id", "config_version", "error", "at", "host", "port", "count", "version",
        "file_line", "mistake",
    }
)  # fmt: skip
"""Every key a line may have."""


def _only_allowed(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value for key, value in line.items() if key in ALLOWED}


def _without_text(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception's class and place, in the place of its text."""
    error = line.pop("exc_info", None)
    error = sys.exc_info()[1] if error is True else error
    if isinstance(error, BaseException):
        line["error"] = type(error).__name__
        frames = extract_tb(error.__traceback__)
        line["at"] = " < ".join(
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames[-3:])
        )
    return line


def set_up(level: str) -> None:
    """Write JSON lines to standard error, from `level` up; libraries' own loggers stay at WARNING."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_text,
            _only_allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s", stream=sys.stderr, force=True)
    for library in ("httpx", "httpcore", "aiohttp", "asyncio", "_granian", "granian", "litestar"):
        logging.getLogger(library).setLevel(logging.WARNING)
