"""A worker that sleeps past its lease, and wakes when another has taken over: it can change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos.town import QUICK, VENDORS, Town, played, task, until


async def sleeping(here: Town, gates: Path, point: str, vendor: str) -> str:
    """A delivery, two workers of which came to `point` one after the other and sleep; the first one's lease is over."""
    await here.begin("--stall-at", point, "--stalls", "2", "--gates", str(gates), "--lease", "0.4")
    answer = await here.ask(
        "POST", "/v1/tasks", task(vendor, "one and only"), Idempotency_Key="the key", Prefer="respond-async"
    )

    async def both() -> bool:
        return (gates / "2.reached").exists()

    await until(both)
    return answer.json()["id"]


def verdicts(here: Town) -> list[str | None]:
    return [verdict for (verdict,) in here.rows("SELECT verdict FROM attempts WHERE marked_at IS NOT NULL")]


@pytest.mark.parametrize("vendor", VENDORS)
def test_who_wakes_before_its_mark_does_not_send(tmp_path: Path, vendor: str):
    async def story(here: Town) -> None:
        delivery_id = await sleeping(here, tmp_path, "K3", vendor)
        (tmp_path / "1.open").touch()

        async def woken() -> bool:
            return "attempt.abandoned" in (tmp_path / "gateway.log").read_text() or len(await here.created(vendor)) > 0

        await until(woken)
        (tmp_path / "2.open").touch()
        delivery = await here.until(delivery_id, lambda seen: seen["final"])

        assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
        assert here.rows("SELECT marked_at IS NULL FROM attempts ORDER BY fence")[0] == (1,)
        assert len(await here.created(vendor)) == 1

    played(tmp_path, story, follow={**QUICK, "send": "20"})  # else the deadline ends its sleep


def test_who_wakes_with_a_refusal_does_not_end_what_another_has_sent(tmp_path: Path):
    """The first try was refused and slept on it; proved absent, the task was sent once more, and taken."""

    async def story(here: Town) -> None:
        refusal = {"on": "create_task", "kind": "status", "status": 422, "body": '{"detail": "no such user"}'}
        await here.control("task_api", "PUT", "faults", [{**refusal, "times": 1}])
        delivery_id = await sleeping(here, tmp_path, "K6", "task_api")
        assert len(await here.created("task_api")) == 1
        (tmp_path / "1.open").touch()

        async def told() -> bool:
            return "refused" in verdicts(here)

        await until(told)
        (tmp_path / "2.open").touch()
        delivery = await here.until(delivery_id, lambda seen: seen["final"])

        assert (delivery["state"], delivery["conflict"], delivery["attempts"]) == ("delivered", False, 2)
        assert len(await here.created("task_api")) == 1

    played(tmp_path, story)
