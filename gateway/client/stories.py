"""What the client does, told without a socket: each story asks and pauses, and somebody else carries that out.

Both flavours of the client run the same stories; see `flavours`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from gateway.client.errors import error_of
from gateway.errors import Unreachable
from schemas.command import NAMING, Command
from schemas.delivery import Delivery, Explanation
from schemas.event import Event
from schemas.private import Private
from schemas.problem import Problem

T = TypeVar("T")

TRIES = 6
"""So often one call is tried: over about half a minute."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_LONGEST_ASKED = 60.0
_LOOK_PAUSES = (0.2, 0.5, 1.0, 2.0)
_PAGE = 200
_PLURALS: Mapping[str, str] = {naming.prefix: naming.plural for naming in NAMING.values()}


class Ask(Private, frozen=True, kw_only=True):
    """A request to send."""

    method: str
    path: str
    json: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}


class Pause(Struct, frozen=True):
    """Wait this many seconds."""

    seconds: float


class Answer(Private, frozen=True, kw_only=True):
    """What came back: header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Page(Private, frozen=True, kw_only=True):
    """A page of the feed."""

    items: list[Event]
    next_cursor: str | None = None


Story = Generator[Ask | Pause, Answer | None, T]
"""Yields what is to be done; is sent the answer to an Ask, or thrown Unreachable where there was none."""


def submit(command: Command, key: str, prefer: str | None) -> Story[Delivery]:
    """Submit a command; see `submit_to`. Raises ProblemError."""
    return (yield from submit_to(f"/v1/{NAMING[type(command)].plural}", _body(command), key, prefer))


def submit_to(path: str, posted: Mapping[str, Any], key: str, prefer: str | None) -> Story[Delivery]:
    """Submit once, however often it must be tried: the key makes one delivery of all tries. Raises ProblemError."""
    headers = {"Idempotency-Key": key, **({"Prefer": prefer} if prefer else {})}
    return _read((yield from _tried(Ask(method="POST", path=path, json=posted, headers=headers))), Delivery)


def explain(command: Command, prefer: str | None) -> Story[Explanation]:
    """What submitting it would do. Raises ProblemError."""
    path = f"/v1/{NAMING[type(command)].plural}/explain"
    headers = {"Prefer": prefer} if prefer else {}
    return _read((yield from _tried(Ask(method="POST", path=path, json=_body(command), headers=headers))), Explanation)


def get(delivery_id: str) -> Story[Delivery]:
    """The delivery as it is now. Raises ProblemError."""
    return (yield from read(path_of(delivery_id), Delivery))


def wait(delivery_id: str, within: float) -> Story[Delivery]:
    """The delivery once it is final, or as it is after `within` seconds. Raises ProblemError."""
    looks, waited = 0, 0.0
    while True:
        delivery = yield from get(delivery_id)
        if delivery.final or waited >= within:
            return delivery
        pause = min(_LOOK_PAUSES[min(looks, len(_LOOK_PAUSES) - 1)], within - waited)
        yield Pause(pause)
        looks, waited = looks + 1, waited + pause


def events(after: str | None) -> Story[Page]:
    """The next page of the feed after that event. Raises ProblemError."""
    place = f"&after={quote(after, safe='')}" if after else ""
    return (yield from read(f"/v1/events?limit={_PAGE}{place}", Page))


def read(path: str, wanted: type[T]) -> Story[T]:
    """What GET `path` answers. Raises ProblemError."""
    return _read((yield from _tried(Ask(method="GET", path=path))), wanted)


def post(path: str, body: Mapping[str, Any], wanted: type[T], headers: Mapping[str, str]) -> Story[T]:
    """What POST `path` answers; sent once, since only a submit may be repeated. Raises ProblemError."""
    answer = yield Ask(method="POST", path=path, json=body, headers=headers)
    return _read(answer, wanted)


def _tried(ask: Ask) -> Story[Answer]:
    """The answer to what may be asked again: after no answer, a 429 and a 503, later and later."""
    for tried in range(1, TRIES + 1):
        pause = min(_FIRST_PAUSE * 2 ** (tried - 1), _LONGEST_PAUSE)
        try:
            answer = yield ask
        except Unreachable:
            if tried == TRIES:
                raise
        else:
            if answer is None:
                raise TypeError("an Ask was answered with nothing")
            if answer.status not in {429, 503} or tried == TRIES:
                return answer
            pause = max(pause, _asked_for(answer))
        yield Pause(pause)
    raise AssertionError("the last try returns or raises")


def _asked_for(answer: Answer) -> float:
    """Seconds of patience that the gateway asks for; at most a minute."""
    text = answer.headers.get("retry-after", "")
    return min(float(text), _LONGEST_ASKED) if text.isdigit() else 0.0


def _read(answer: Answer | None, wanted: type[T]) -> T:
    """The answer's body. Raises ProblemError, and Unreachable where this is no gateway's answer."""
    if answer is None:
        raise TypeError("an Ask was answered with nothing")
    try:
        if 200 <= answer.status < 300:  # noqa: PLR2004 - the class of successes
            return msgspec.json.decode(answer.content, type=wanted)
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.MsgspecError as error:
        raise Unreachable(f"no gateway answers there: a {answer.status} that cannot be read") from error
    raise error_of(problem)


def _body(command: Command) -> Mapping[str, Any]:
    given: Mapping[str, Any] = msgspec.to_builtins(command)
    return {name: value for name, value in given.items() if value is not None}


def path_of(delivery_id: str) -> str:
    """Where the delivery of that id is."""
    return f"/v1/{_PLURALS.get(delivery_id.partition('_')[0], 'tasks')}/{quote(delivery_id, safe='')}"


__all__ = [
    "Answer", "Ask", "Page", "Pause", "Story", "events", "explain", "get", "path_of", "post", "read", "submit",
    "submit_to", "wait",
]  # fmt: skip
