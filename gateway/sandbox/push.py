"""Webhooks out: one body to one URL, tried again as the vendor's pages say, and every attempt noted."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import aiohttp
from msgspec import Struct

from gateway.sandbox.settings import Clock


class Push(Struct, frozen=True):
    """One attempt; `outcome` is the receiver's status, `timeout` or `network`."""

    at: datetime
    url: str
    event_id: str
    attempt: int
    outcome: int | str
    body: str


Outcome = int | str


class Message(Struct, frozen=True):
    """What is pushed; `headers` is asked for each attempt, counted from 1."""

    event_id: str
    body: bytes
    headers: Callable[[int], Mapping[str, str]]


class Try(Struct, frozen=True):
    """One attempt a vendor makes: how long it waits beforehand, and then for the answer."""

    wait: float
    answer_within: float


class Manner(Struct, frozen=True):
    """How a vendor delivers: its tries, and after which outcomes it makes the next."""

    tries: Sequence[Try]
    again: Callable[[Outcome], bool]


def delivered(outcome: Outcome) -> bool:
    """Whether the receiver answered 2xx."""
    return isinstance(outcome, int) and 200 <= outcome < 300  # noqa: PLR2004 - what 2xx means


def hex_hmac(secret: str, body: bytes) -> str:
    """The HMAC-SHA256 of `body`, in lower-case hex; the whole of `secret`, prefix included, is the key."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Pusher:
    """Sends webhooks over one session, and keeps what became of them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pushes: list[Push] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def push(self, url: str, message: Message, manner: Manner) -> bool:
        """Tries until the receiver answers 2xx, or the vendor gives up; whether it arrived."""
        for attempt, each in enumerate(manner.tries, start=1):
            await asyncio.sleep(each.wait)
            outcome = await self._post(url, message, attempt, each.answer_within)
            text = message.body.decode()
            self.pushes.append(Push(self.clock(), url, message.event_id, attempt, outcome, text))
            if delivered(outcome) or not manner.again(outcome):
                return delivered(outcome)
        return False

    async def _post(self, url: str, message: Message, attempt: int, answer_within: float) -> Outcome:
        if self._session is None:
            return "network"
        headers = {"Content-Type": "application/json", **message.headers(attempt)}
        limit = aiohttp.ClientTimeout(total=answer_within)
        try:
            async with self._session.post(
                url, data=message.body, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                return response.status
        except TimeoutError:
            return "timeout"
        except (aiohttp.ClientError, OSError):
            return "network"
