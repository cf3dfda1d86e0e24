"""What the gateway raises on purpose.

* TaskGatewayError
  * ConfigErrors    the configuration is not acceptable; holds every mistake
  * Refused         a request is answered with a problem
  * Stopped         the program cannot start; the text says why
  * Unreachable     a gateway that was called does not answer as one
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.problem import Problem


class TaskGatewayError(Exception):
    """The root of all errors of this package."""


class Stopped(TaskGatewayError):  # noqa: N818 - what it is
    """The program cannot start, or a command not do what it was asked: why, and what to do, where that can be said."""

    def __init__(self, why: str, fix: str | None = None) -> None:
        super().__init__(why)
        self.fix = fix


class Unreachable(TaskGatewayError):  # noqa: N818 - what it is
    """Where a gateway was called, none answers; the text says where."""


class ConfigErrors(TaskGatewayError):  # noqa: N818 - it holds all of them
    """Every mistake of the configuration, one line each: "file:line: key: problem, did you mean 'x'?"."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


class Refused(TaskGatewayError):  # noqa: N818 - what happened to the request
    """A request that is answered with `problem`; `headers` go with it."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.headers = headers or {}
