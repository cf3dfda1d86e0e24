"""kill -9 at each point of a delivery's path; then the gateway comes back and each ends as the table says."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from chaos.town import SLOW, VENDORS, Town, played, task, until

LOOKUPS_FAIL = [{"on": "lookup", "kind": "status", "status": 503}]
CREATED = {"K4": 0, "K5a": 0, "K5b": 1, "K6": 1, "K6b": 1}
"""The points after the mark, and what had been created at the vendor by then."""


async def submitted(here: Town, vendor: str) -> httpx.Response:
    return await here.ask("POST", "/v1/tasks", task(vendor, "one and only"), Idempotency_Key="the key")


async def dies(here: Town, vendor: str, point: str) -> None:
    """The gateway takes a task, and dies at `point` before it has answered (after an outcome, it may have)."""
    gateway = await here.begin("--crash-at", point)
    with suppress(httpx.TransportError) if point == "K7" else pytest.raises(httpx.TransportError):
        await submitted(here, vendor)
    assert await gateway.ended() == -signal.SIGKILL


async def repeated(here: Town, vendor: str) -> dict[str, Any]:
    """The caller repeats its request with the same key, and gets the delivery that there is."""
    ((stored,),) = here.rows("SELECT id FROM deliveries")
    answer = await submitted(here, vendor)
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert answer.json()["id"] == stored
    return answer.json()


def is_in(*states: str) -> Callable[[dict[str, Any]], bool]:
    return lambda delivery: delivery["state"] in states


async def delivered_once(here: Town, vendor: str, delivery_id: str, *, attempts: int = 1) -> None:
    """It comes to its end, there is one of it, and no lease is left."""
    delivery = await here.until(delivery_id, is_in("delivered"))
    assert delivery["attempts"] == attempts
    assert len(await here.created(vendor)) == 1
    assert here.rows("SELECT id, state, lease_until FROM deliveries") == [(delivery_id, "delivered", None)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_k0_nothing_is_stored_and_the_repeat_is_the_first(tmp_path: Path, vendor: str):
    async def story(here: Town) -> None:
        await dies(here, vendor, "K0")

        for table in ("deliveries", "idempotency_keys", "events", "attempts"):
            assert here.rows(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608 - names from above
        assert await here.requests(vendor, "POST") == 0

        await here.begin()
        answer = await submitted(here, vendor)
        assert "Idempotent-Replayed" not in answer.headers
        await delivered_once(here, vendor, answer.json()["id"])

    played(tmp_path, story)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("point", ["K1", "K2", "K3", "K3b"])
def test_what_died_before_its_mark_is_sent_once_without_counting_the_try(tmp_path: Path, vendor: str, point: str):
    async def story(here: Town) -> None:
        await dies(here, vendor, point)

        ((delivery_id, state),) = here.rows("SELECT id, state FROM deliveries")
        assert state == "queued"
        assert await here.requests(vendor, "POST") == 0

        await here.begin()
        await delivered_once(here, vendor, delivery_id)
        await repeated(here, vendor)
        assert await here.requests(vendor, "POST") == 1
        assert here.rows("SELECT marked_at IS NULL FROM attempts ORDER BY fence") == [(1,), (0,)]

    played(tmp_path, story)


def test_what_dies_again_and_again_before_its_mark_is_sent_once(tmp_path: Path):
    async def story(here: Town) -> None:
        await dies(here, "task_api", "K2")
        for point in ("K2", "K3", "K3b"):
            gateway = await here.begin("--crash-at", point, ready=False)
            assert await gateway.ended() == -signal.SIGKILL

        await here.begin()
        await delivered_once(here, "task_api", (await repeated(here, "task_api"))["id"])
        assert await here.requests("task_api", "POST") == 1

    played(tmp_path, story)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("point", CREATED)
def test_what_died_after_its_mark_is_unknown_until_the_vendor_is_asked(tmp_path: Path, vendor: str, point: str):
    """Found, it is delivered; proved absent twice, it is sent once more; else it stays unknown, for a person."""

    async def story(here: Town) -> None:
        await dies(here, vendor, point)
        assert len(await here.created(vendor)) == CREATED[point]

        await here.control(vendor, "PUT", "faults", LOOKUPS_FAIL)
        await here.begin()
        delivery = await repeated(here, vendor)
        await asked_in_vain(here, vendor, delivery["id"])
        assert len(await here.created(vendor)) == CREATED[point]

        await here.control(vendor, "DELETE", "faults")
        if CREATED[point]:
            await delivered_once(here, vendor, delivery["id"])
        elif vendor != "cobalt":
            await delivered_once(here, vendor, delivery["id"], attempts=2)
        else:
            await asked_in_vain(here, vendor, delivery["id"])
            assert await here.created(vendor) == []

    played(tmp_path, story)


async def asked_in_vain(here: Town, vendor: str, delivery_id: str) -> None:
    """Some looks later, it is still unknown, of one attempt, and nothing says that it may be sent again."""
    so_far = await here.requests(vendor, "GET")

    async def looked() -> bool:
        delivery = (await here.ask("GET", f"/v1/tasks/{delivery_id}")).json()
        assert (delivery["state"], delivery["attempts"], delivery["safe_to_resend"]) == ("unknown", 1, False)
        return await here.requests(vendor, "GET") > so_far + 2

    await until(looked)
    refusals = {"cancel": None, "retry": {"reason": "impatience"}}
    for wish, body in refusals.items():
        assert (await here.ask("POST", f"/v1/tasks/{delivery_id}/{wish}", body)).status_code == 409


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_nobody_looks_at_again_stays_unknown(tmp_path: Path, vendor: str):
    async def story(here: Town) -> None:
        await dies(here, vendor, "K4")
        for _ in range(2):
            gateway = await here.begin()
            delivery = await repeated(here, vendor)

            async def looked(delivery_id: str = delivery["id"]) -> bool:
                return here.rows("SELECT looks FROM deliveries WHERE id = ?", delivery_id) == [(1,)]

            await until(looked)
            assert (await repeated(here, vendor))["state"] == "unknown"
            await gateway.stopped()
        assert here.rows("SELECT state, attempts FROM deliveries") == [("unknown", 1)]
        assert await here.requests(vendor, "POST") == 0

    played(tmp_path, story, follow=SLOW)


@pytest.mark.parametrize("vendor", VENDORS)
def test_k7_the_outcome_is_kept(tmp_path: Path, vendor: str):
    async def story(here: Town) -> None:
        await dies(here, vendor, "K7")

        assert here.rows("SELECT state FROM deliveries") == [("submitted" if vendor == "cobalt" else "delivered",)]

        await here.begin()
        await delivered_once(here, vendor, (await repeated(here, vendor))["id"])
        assert await here.requests(vendor, "POST") == 1

    played(tmp_path, story)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_look_that_was_cut_short_is_taken_again_at_once(tmp_path: Path, vendor: str):
    async def story(here: Town) -> None:
        await dies(here, vendor, "K6")
        await here.control(vendor, "PUT", "faults", [{"on": "lookup", "kind": "stall", "seconds": 60}])
        gateway = await here.begin()

        async def looking() -> bool:
            return await here.requests(vendor, "GET") > 0

        await until(looking)
        await gateway.killed()
        await here.control(vendor, "DELETE", "faults")

        await here.begin()
        await delivered_once(here, vendor, (await repeated(here, vendor))["id"])

    played(tmp_path, story)
