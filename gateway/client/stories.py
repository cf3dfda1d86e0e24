"""What the client does, told without a socket: each story asks and pauses, and somebody else carries that out.

Both flavours of the client run the same stories; see `flavours`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from math import inf
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from gateway.client.errors import error_of
from gateway.errors import Unreachable
from gateway.rules.retry import asked_for
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
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""What says nothing of the request itself: the gateway's problems that are `retryable`, and proxies before it."""
_LAST_LOOK = 5.0
"""Seconds that the last look of a wait has, however little is left."""
_LOOK_PAUSES = (0.2, 0.5, 1.0, 2.0)
_PAGE = 200
_PLURALS: Mapping[str, str] = {naming.prefix: naming.plural for naming in NAMING.values()}


class Ask(Private, frozen=True, kw_only=True):
    """A request to send; `within`: seconds that it may take at most."""

    method: str
    path: str
    json: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}
    within: float = inf


class Pause(Struct, frozen=True):
    """Wait this many seconds."""

    seconds: float


class Answer(Private, frozen=True, kw_only=True):
    """What came back, and when: header names in lower case."""

    at: datetime
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


def wait(delivery_id: str, within: float, clock: Callable[[], float]) -> Story[Delivery]:
    """The delivery once it is final, or as it is after `within` seconds of `clock`. Raises ProblemError."""
    ends, looks = clock() + within, 0
    while True:
        left = ends - clock()
        ask = Ask(method="GET", path=path_of(delivery_id), within=max(left, _LAST_LOOK))
        delivery = _read((yield from _tried(ask, lambda: ends - clock())), Delivery)
        left = ends - clock()
        if delivery.final or left <= 0:
            return delivery
        yield Pause(min(_LOOK_PAUSES[min(looks, len(_LOOK_PAUSES) - 1)], left))
        looks += 1


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


def _tried(ask: Ask, left: Callable[[], float] = lambda: inf) -> Story[Answer]:
    """The answer to what may be asked again: after none and after a passing trouble, later and later.

    `left`: seconds until nobody waits for it any more.
    """
    for tried in range(1, TRIES + 1):
        pause = min(_FIRST_PAUSE * 2 ** (tried - 1), _LONGEST_PAUSE)
        try:
            answer = yield ask
        except Unreachable:
            if tried == TRIES or pause > left():
                raise
        else:
            if answer is None:
                raise TypeError("an Ask was answered with nothing")
            pause = max(pause, min(asked_for(answer.headers.get("retry-after"), answer.at) or 0.0, _LONGEST_ASKED))
            if answer.status not in _AGAIN or tried == TRIES or pause > left():
                return answer
        yield Pause(pause)
    raise AssertionError("the last try returns or raises")


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
