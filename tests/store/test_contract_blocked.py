"""What every store owes a blocked connection: all of it waits, and one delivery's words stay with that delivery."""

from __future__ import annotations

from store.opened import opened
from store.records import accept, now, sent, task

from schemas.outcome import Blocked

WORDS = "Ms. Okafor is not allowed"


@opened
async def test_the_vendor_s_words_stay_with_the_delivery_they_were_said_to(store):
    await accept(store, task(1))
    blocked = await sent(store, task(2), Blocked(code="credentials", message=WORDS))
    await accept(store, task(3))

    (paused,) = await store.paused()
    others = [(await now(store, each)).problem for each in ("tsk_000003",)]
    assert blocked.problem.detail == WORDS
    assert paused.detail == "cobalt: credentials; its own words stand at tsk_000002"
    assert [(each.code, each.detail) for each in others] == [("connection-blocked", paused.detail)]
