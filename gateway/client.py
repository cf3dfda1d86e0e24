"""A typed client of the gateway's API, on the same schemas."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

from gateway.errors import TaskGatewayError, Unreachable
from schemas.command import AddNote, CreateClaim, CreateTask
from schemas.delivery import Delivery
from schemas.private import Secret
from schemas.problem import Problem

T = TypeVar("T")

_PATHS: Mapping[type, str] = {CreateTask: "/v1/tasks", AddNote: "/v1/notes", CreateClaim: "/v1/claims"}
_PLURALS = {"tsk": "tasks", "note": "notes", "clm": "claims"}


class ProblemError(TaskGatewayError):
    """The gateway answered with a problem; `problem.delivery` is there when the command was stored."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.title}")
        self.problem = problem


class AsyncClient:
    """Calls a gateway at `url` with an app's key."""

    def __init__(self, url: str, key: Secret, *, seconds: float = 30.0) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {key.reveal()}"}, timeout=seconds, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def create_task(self, task: CreateTask, *, idempotency_key: str, prefer: str | None = None) -> Delivery:
        """Submit a task. The same key gives the same delivery. Raises ProblemError."""
        return await self._submit(task, idempotency_key, prefer)

    async def add_note(self, note: AddNote, *, idempotency_key: str, prefer: str | None = None) -> Delivery:
        """Submit a note. Raises ProblemError."""
        return await self._submit(note, idempotency_key, prefer)

    async def create_claim(self, claim: CreateClaim, *, idempotency_key: str, prefer: str | None = None) -> Delivery:
        """Submit a claim. Raises ProblemError."""
        return await self._submit(claim, idempotency_key, prefer)

    async def get(self, delivery_id: str) -> Delivery:
        """The delivery as it is now. Raises ProblemError."""
        plural = _PLURALS.get(delivery_id.partition("_")[0], "tasks")
        return msgspec.json.decode(_sound(await self._http.get(f"/v1/{plural}/{delivery_id}")), type=Delivery)

    async def read(self, path: str, wanted: type[T]) -> T:
        """What GET `path` answers. Raises ProblemError, and Unreachable where no gateway answers."""
        try:
            return msgspec.json.decode(_sound(await self._http.get(path)), type=wanted)
        except (httpx.TransportError, msgspec.MsgspecError) as error:
            raise Unreachable(f"{self._http.base_url}: no gateway answers there") from error

    async def post(self, path: str, body: Mapping[str, Any], wanted: type[T]) -> T:
        """What POST `path` answers. Raises ProblemError, and Unreachable where no gateway answers."""
        try:
            return msgspec.json.decode(_sound(await self._http.post(path, json=dict(body))), type=wanted)
        except (httpx.TransportError, msgspec.MsgspecError) as error:
            raise Unreachable(f"{self._http.base_url}: no gateway answers there") from error

    async def _submit(self, command: CreateTask | AddNote | CreateClaim, key: str, prefer: str | None) -> Delivery:
        given: dict[str, Any] = msgspec.to_builtins(command)
        headers = {"Idempotency-Key": key, **({"Prefer": prefer} if prefer else {})}
        answer = await self._http.post(_PATHS[type(command)], json=given, headers=headers)
        return msgspec.json.decode(_sound(answer), type=Delivery)


def _sound(answer: httpx.Response) -> bytes:
    if answer.is_success:
        return answer.content
    raise ProblemError(msgspec.json.decode(answer.content, type=Problem))
