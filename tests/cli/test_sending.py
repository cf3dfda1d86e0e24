"""What `send` makes of answers that say later."""

import asyncio

import pytest

from gateway.cli.sending import _taken
from gateway.client import AsyncClient, FakeGateway, TryLater, flavours
from gateway.files.commands import Written

WRITTEN = Written(line=1, posted={"clinic_id": "c", "description": "Call back."})


@pytest.fixture
def taken(monkeypatch):
    """The command, sent to a gateway that has these troubles first; no time passes."""

    async def at_once(_seconds):
        pass

    async def sent(gateway):
        async with AsyncClient("http://gateway.test", "tgk_test", transport=gateway) as client:
            return await _taken(client, WRITTEN, "k-1")

    monkeypatch.setattr(flavours.asyncio, "sleep", at_once)
    return lambda *troubles: asyncio.run(sent(_failing(troubles)))


def _failing(troubles):
    gateway = FakeGateway()
    gateway.fails(*troubles)
    return gateway


def test_a_command_waits_for_its_app_s_limit_as_long_as_it_takes(taken):
    assert taken(*["rate-limited"] * 50).state == "submitted"


def test_a_gateway_that_takes_nothing_ends_the_sending(taken):
    with pytest.raises(TryLater):
        taken(*["unavailable"] * 50)
