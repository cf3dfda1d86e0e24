"""What a command says when it cannot do what it was asked: why not, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.cli.common import errors
from gateway.client import ProblemError, Unreachable
from gateway.errors import Stopped
from gateway.store.base import StoreUnavailable
from schemas.problem import CODES


def fail(error: Exception) -> None:
    """Tell it on standard error: what happened in red, what to do below it."""
    errors.print(_why(error), style="red", soft_wrap=True)
    for line in _next(error):
        errors.print(f"→ {line}", style="dim", soft_wrap=True)


def _why(error: Exception) -> str:
    if not isinstance(error, ProblemError):
        return str(error)
    problem = error.problem
    told = [f"{each.pointer or each.code}: {each.detail or each.code}" for each in problem.errors]
    return "\n".join([f"{problem.status} {problem.code}: {problem.title}", *(told or [problem.detail])])


def _next(error: Exception) -> Iterator[str]:
    match error:
        case ProblemError(problem=problem):
            yield CODES[problem.code].fix
        case Unreachable():
            yield "is it running? `task-gateway serve` starts it; --url or TASK_GATEWAY_URL name another one"
        case StoreUnavailable():
            yield "`task-gateway doctor` looks the database over, and says what to do"
        case Stopped(fix=str(fix)) if fix:
            yield fix
