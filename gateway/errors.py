"""What the gateway raises on purpose.

* TaskGatewayError
  * ConfigErrors    the configuration is not acceptable; holds every mistake
"""

from __future__ import annotations

from collections.abc import Sequence


class TaskGatewayError(Exception):
    """The root of all errors of this package."""


class ConfigErrors(TaskGatewayError):  # noqa: N818 - it holds all of them
    """Every mistake of the configuration, one line each: "file:line: key: problem, did you mean 'x'?"."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)
