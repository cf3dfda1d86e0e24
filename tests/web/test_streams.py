"""Streams that are cut off: what they held is given back at once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from running import run

from gateway.flows.feed import Readers
from gateway.web.quota import streamed

APP = SimpleNamespace(name="intake")


async def without_end(closed: asyncio.Event):
    try:
        while True:
            yield b"data\n\n"
    finally:
        closed.set()


@run
async def test_a_stream_that_is_cut_off_in_the_middle_of_a_message_is_closed_and_makes_room():
    readers, closed, begun = Readers(most=1), asyncio.Event(), asyncio.Event()

    async def send(message):
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()

    async def receive():
        await begun.wait()
        return {"type": "http.disconnect"}

    answer = streamed(without_end(closed), APP, SimpleNamespace(readers=readers), {})
    told = answer.iterator  # held on to, as a cycle holds it until the collector comes
    await answer.to_asgi_response(app=None, request=None)({}, receive, send)

    assert told is not None
    assert readers.has_room(APP.name)
    async with asyncio.timeout(1):
        await closed.wait()
