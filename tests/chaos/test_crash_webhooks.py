"""kill -9 while a webhook comes in: before it is stored, before it is answered, while it is read."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from chaos.town import QUICK, SLOW, Town, played, task, until

STORED = {"K11": 0, "K12": 1, "K13": 1}
"""The points, and whether the webhook was stored by then."""


async def sent(here: Town, vendor: str, state: str) -> str:
    """A task that the vendor has taken, and told nothing of by itself."""
    await here.control(vendor, "PUT", "faults", [{"on": "create_task", "kind": "no_webhook"}])
    answer = await here.ask("POST", "/v1/tasks", task(vendor, "one and only"), Idempotency_Key="the key")
    delivery_id: str = answer.json()["id"]
    await here.until(delivery_id, lambda delivery: delivery["state"] == state)
    return delivery_id


async def happened(here: Town) -> str:
    """The id of the event that Cobalt made of the task."""
    events: list[dict[str, Any]] = []

    async def is_there() -> bool:
        events[:] = (await here.control("cobalt", "GET", "events"))["items"]
        return bool(events)

    await until(is_there)
    return events[0]["id"]


def hooks(here: Town) -> list[tuple[Any, ...]]:
    return here.rows("SELECT state FROM webhooks")


def times(here: Town, event: str) -> int:
    ((count,),) = here.rows("SELECT count(*) FROM events WHERE type = ?", event)
    return count


@pytest.mark.parametrize("point", STORED)
def test_a_result_whose_webhook_was_cut_short_arrives_once(tmp_path: Path, point: str):
    """Stored, it is read at the next start; else it comes with the vendor's next try. The same again is nothing."""

    async def story(here: Town) -> None:
        gateway = await here.begin("--crash-at", point)
        delivery_id = await sent(here, "cobalt", "submitted")
        event_id = await happened(here)
        await here.control("cobalt", "POST", f"events/{event_id}/push")  # both of its tries are over when this returns
        assert await gateway.ended() == -signal.SIGKILL
        assert hooks(here) == [("new",)] * STORED[point]

        await here.begin()
        if not STORED[point]:
            assert (await here.ask("GET", f"/v1/tasks/{delivery_id}")).json()["state"] == "submitted"
            await here.control("cobalt", "POST", f"events/{event_id}/push")
        delivered = await here.until(delivery_id, lambda delivery: delivery["final"])
        await here.control("cobalt", "POST", f"events/{event_id}/push")

        assert (await here.ask("GET", f"/v1/tasks/{delivery_id}")).json() == delivered
        assert (delivered["state"], delivered["conflict"], times(here, "task.delivered")) == ("delivered", False, 1)
        assert hooks(here) == [("matched",)]
        assert len(await here.created("cobalt")) == 1

    played(tmp_path, story, follow=SLOW)


def test_a_result_whose_webhook_is_lost_for_good_is_found_by_looking(tmp_path: Path):
    async def story(here: Town) -> None:
        gateway = await here.begin("--crash-at", "K11")
        answer = await here.ask(
            "POST", "/v1/tasks", task("cobalt", "one and only"), Idempotency_Key="the key", Prefer="respond-async"
        )
        assert await gateway.ended() == -signal.SIGKILL
        assert hooks(here) == []

        await here.begin()
        await here.until(answer.json()["id"], lambda delivery: delivery["state"] == "delivered")
        assert len(await here.created("cobalt")) == 1

    played(tmp_path, story, follow={**QUICK, "submitted": "[0.5, 0.1]"})


@pytest.mark.parametrize("point", STORED)
def test_a_hint_that_was_cut_short_is_followed_up(tmp_path: Path, point: str):
    """This vendor's webhooks say only: go and look."""

    async def story(here: Town) -> None:
        gateway = await here.begin("--crash-at", point)
        delivery_id = await sent(here, "task_api", "delivered")
        there = (await here.ask("GET", f"/v1/tasks/{delivery_id}")).json()["vendor"]["id"]
        await here.control("task_api", "PATCH", f"tasks/{there}", {"status": "completed"})
        assert await gateway.ended() == -signal.SIGKILL
        assert hooks(here) == [("new",)] * STORED[point]

        async def given_up() -> bool:
            outcomes = [push["outcome"] for push in (await here.control("task_api", "GET", "pushes"))["items"]]
            return outcomes == [200] or len(outcomes) == 2

        await until(given_up)

        await here.begin()
        if not STORED[point]:
            await here.control("task_api", "PATCH", f"tasks/{there}", {"status": "completed"})
        seen = await here.until(delivery_id, lambda delivery: (delivery["work"] or {}).get("status") == "completed")

        assert (seen["state"], times(here, "task.work_changed")) == ("delivered", 1)
        assert len(await here.created("task_api")) == 1

    played(tmp_path, story, follow=SLOW)
