"""The feed is followed until it is interrupted, whatever happens to the gateway."""

import json
from functools import partial

import httpx
import pytest
from click.testing import CliRunner

from gateway.cli import watching
from gateway.client import AsyncClient, Client, FakeGateway, flavours
from schemas.command import CreateTask

TASK = CreateTask(clinic_id="c", description="Call back.")


@pytest.fixture
def gateway(monkeypatch):
    """A gateway that the command line calls; no time passes."""
    found = FakeGateway()
    monkeypatch.setattr(watching, "AsyncClient", partial(AsyncClient, transport=found))
    return found


def ran(*arguments):
    return CliRunner().invoke(watching.events, ["--key", "tgk_test", "--json", *arguments])


def test_a_gateway_that_goes_away_is_waited_for_and_no_event_comes_twice(gateway, monkeypatch):
    submit, pauses = Client("http://gateway.test", "tgk_test", transport=gateway).create_task, []

    async def slept(seconds):
        pauses.append(seconds)
        match len(pauses):
            case 1:
                gateway.fails(*[httpx.ConnectError] * 6)
            case 7:
                submit(TASK)
            case 8:
                raise KeyboardInterrupt

    monkeypatch.setattr(flavours.asyncio, "sleep", slept)
    submit(TASK)
    followed = ran("--follow")

    assert followed.exit_code == 0
    assert followed.stderr.splitlines() == [
        "http://127.0.0.1:8080: no gateway answers there (ConnectError); trying again"
    ]
    ids = [json.loads(line)["id"] for line in followed.stdout.splitlines()]
    assert ids == [f"evt_{number:06d}" for number in range(1, 7)]


def test_without_following_a_gateway_that_is_away_ends_it(gateway, monkeypatch):
    async def slept(_seconds):
        pass

    monkeypatch.setattr(flavours.asyncio, "sleep", slept)
    gateway.fails(*[httpx.ConnectError] * 6)
    assert ran().exit_code == 1
