"""What a call of the client can raise, beside `gateway.errors.Unreachable`: each carries the gateway's problem.

* ProblemError
  * Rejected      the command was stored, and ended badly: `problem.delivery` is there
  * Refused       the command is wrong; nothing was stored
  * Conflict      another delivery, or the delivery's state, stands in the way
  * NotAllowed    the key is unknown, or lacks the role
  * NotFound      nothing of this id is within the key's reach
  * TryLater      too many requests, or the gateway cannot take any now; the client has tried again already
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import TaskGatewayError
from schemas.problem import Problem


class ProblemError(TaskGatewayError):
    """The gateway answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.title}")
        self.problem = problem


class Rejected(ProblemError):  # noqa: N818 - what happened
    """The command was stored and ended badly; nothing was created. `problem.delivery` is the delivery."""


class Refused(ProblemError):  # noqa: N818 - what happened
    """The command cannot be taken; nothing was stored. `problem.errors` names everything that is wrong."""


class Conflict(ProblemError):  # noqa: N818 - what happened
    """Something stands in the way: a duplicate, a task that was not created, a state that does not allow it."""


class NotAllowed(ProblemError):  # noqa: N818 - what happened
    """The key is not known, or its app lacks the role."""


class NotFound(ProblemError):  # noqa: N818 - what happened
    """There is nothing of this id within the key's reach."""


class TryLater(ProblemError):  # noqa: N818 - what happened
    """Not now; every try the client had was used."""


_BY_STATUS: Mapping[int, type[ProblemError]] = {
    400: Refused, 401: NotAllowed, 403: NotAllowed, 404: NotFound, 408: TryLater, 409: Conflict, 412: Conflict,
    413: Refused, 415: Refused, 422: Refused, 429: TryLater, 503: TryLater,
}  # fmt: skip


def error_of(problem: Problem) -> ProblemError:
    """The error that fits a problem."""
    stored = isinstance(problem.delivery, dict) and "state" in problem.delivery
    if problem.status == 422 and stored:  # noqa: PLR2004 - a status is its own best name
        return Rejected(problem)
    return _BY_STATUS.get(problem.status, ProblemError)(problem)
