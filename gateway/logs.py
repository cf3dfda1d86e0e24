"""Structured logs that cannot leak: only keys of the allow-list are written, and never a body, a header or a message.

A log line is an event's dotted name with ids, codes and numbers. An exception is its class and where it was raised; its
text may hold a patient's name, so it is left out. The same holds for what libraries and the interpreter have to say.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import MutableMapping
from contextlib import suppress
from traceback import extract_tb
from types import TracebackType
from typing import Any

import structlog
from opentelemetry import trace

ALLOWED = frozenset(
    {
        "event", "level", "timestamp",
        "request_id", "trace_id", "method", "route", "status", "milliseconds", "app", "key_id", "replayed",
        "delivery_id", "kind", "clinic_id", "connection", "account", "adapter", "operation", "state", "attempt",
        "verdict", "code", "why", "webhook_id", "config_version", "error", "at", "host", "port", "count", "version",
        "file_line", "mistake", "logger",
    }
)  # fmt: skip
"""Every key a line may have."""

log = structlog.get_logger("logs")


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


def _in_its_trace(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The trace that the work at hand is part of."""
    context = trace.get_current_span().get_span_context()
    return {"trace_id": trace.format_trace_id(context.trace_id), **line} if context.is_valid else line


class _Libraries(logging.Handler):
    """What a library logs becomes a line of ours: who spoke, and the exception's class and place. Never its words."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line."""
        error = record.exc_info[1] if record.exc_info else None
        log.log(record.levelno, "library", logger=record.name, exc_info=error)


class _Lines:
    """Standard error, line by line. What cannot be written is lost, and nothing else is: no command hangs on it."""

    def msg(self, line: str) -> None:
        """Write it, if the disk or the reader behind it takes it."""
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")

    debug = info = warning = error = critical = exception = log = msg


def set_up(level: str) -> None:
    """Write JSON lines to standard error, from `level` up; of libraries, what is WARNING or worse at any level."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _in_its_trace,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_text,
            _only_allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Libraries()], force=True)
    logging.captureWarnings(capture=True)
    for library in ("httpx", "httpcore", "aiohttp", "asyncio", "_granian", "granian", "litestar", "opentelemetry"):
        logging.getLogger(library).setLevel(logging.WARNING)


def keep_quiet() -> None:
    """What nobody caught, in any thread or in an object's end, becomes a line too, in the place of its traceback."""

    def uncaught(_kind: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
        log.critical("uncaught", exc_info=error)

    sys.excepthook = uncaught
    threading.excepthook = lambda args: log.critical("uncaught", exc_info=args.exc_value)
    sys.unraisablehook = lambda args: log.error("uncaught", exc_info=args.exc_value)
