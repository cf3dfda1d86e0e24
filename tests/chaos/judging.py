"""What was promised, held against what is in the database and at the vendors once all has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from chaos.load import Submitted
from chaos.town import Place, until

Figure = Callable[[str, int], None]
SETTLED = "state IN ('delivered', 'rejected', 'failed', 'cancelled', 'unknown', 'held')"
SHOWN = "id, kind, adapter, state, attempts, resent, looks"


async def come_to_rest(here: Place) -> list[tuple[Any, ...]]:
    """Until nothing is under way any more, and what is unknown was looked for and not found; else, what still is.

    However much there is to do, as long as it gets less.
    """
    before = dict(here.rows("SELECT id, looks FROM deliveries"))
    left = len(before) + 1

    def restless() -> int:
        ((moving,),) = here.rows(f"SELECT count(*) FROM deliveries WHERE NOT {SETTLED}")  # noqa: S608 - our own text
        unknown = here.rows("SELECT id, looks, adapter, resent FROM deliveries WHERE state = 'unknown'")
        return int(moving) + sum(
            looks < before.get(delivery_id, 0) + 3 or not (adapter == "cobalt" or resent)
            for delivery_id, looks, adapter, resent in unknown
        )

    async def is_less() -> bool:
        return restless() < left

    with suppress(AssertionError):
        while left:
            await until(is_less)
            left = restless()
        return []
    return here.rows(f"SELECT {SHOWN} FROM deliveries WHERE state != 'delivered'")  # noqa: S608 - likewise


async def judge(here: Place, submitted: list[Submitted], again: list[str], figure: Figure) -> None:
    """What was promised, held against what is in the database and at the vendors."""
    deliveries = {row[0]: row for row in here.rows("SELECT id, state, lease_until, resent FROM deliveries")}
    created = {vendor: Counter(map(_told, await here.created(vendor))) for vendor in here.vendors}
    there = {command.delivery_id: created[command.vendor][command.told] for command in submitted}
    lost = [command.delivery_id for command in submitted if command.delivery_id not in deliveries]
    twice = [delivery_id for delivery_id, times in there.items() if times > 1]
    unknown = [delivery_id for delivery_id, state, *_ in deliveries.values() if state == "unknown"]
    figure("commands", len(submitted))
    figure("sends cut off before their mark", _attempts(here, "marked_at IS NULL AND ended_at IS NULL"))
    figure("after it", _attempts(here, "marked_at IS NOT NULL AND ended_at IS NULL"))
    figure("lost", len(lost))
    figure("created twice", len(twice))
    figure("unknown that need an operator", len(unknown))
    figure("of these created", sum(there[delivery_id] for delivery_id in unknown))

    assert lost == []
    assert twice == []
    assert again == [command.delivery_id for command in submitted]  # a key is one delivery, through all deaths
    assert len(deliveries) == len(submitted)
    assert here.rows("SELECT id FROM deliveries WHERE state = 'sending' OR lease_until IS NOT NULL") == []
    assert [row for row in deliveries.values() if row[1] == "delivered" and there[row[0]] != 1] == []
    assert [row for row in deliveries.values() if row[1] in {"rejected", "failed", "held"} and there[row[0]]] == []
    assert here.rows(TOLD_OTHERWISE) == []
    assert here.rows(SENT_TOO_OFTEN) == []


def _attempts(here: Place, which: str) -> int:
    ((count,),) = here.rows(f"SELECT count(*) FROM attempts WHERE {which}")  # noqa: S608 - from above
    return int(count)


def _told(body: dict[str, Any]) -> str:
    """What tells a created thing's command from all others."""
    text = str(body.get("description") or body.get("notes") or body.get("note") or body.get("appointment_id"))
    return text.partition("(")[2].partition(")")[0] or text


TOLD_OTHERWISE = """
    SELECT id, state FROM deliveries WHERE kind || '.' || state !=
    (SELECT type FROM events WHERE delivery_id = deliveries.id ORDER BY seq DESC LIMIT 1)
"""
"""Deliveries whose last event says something else than they do."""

SENT_TOO_OFTEN = """
    SELECT delivery_id FROM attempts JOIN deliveries ON id = delivery_id
    WHERE marked_at IS NOT NULL AND coalesce(verdict, 'unknown') != 'not_applied'
    GROUP BY delivery_id HAVING count(*) > 1 + max(resent)
"""
"""Deliveries sent again without proof that nothing had come of it."""
