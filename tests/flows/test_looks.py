"""What a look lists, and what that proves: lists that move while they are read, or show what is another's."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from flows.doubles import HOUSE, House, call_back, event, reply
from running import run, until


def listed(vendor_id, text="Order new chairs for the waiting room."):
    """A task as the task API lists it."""
    return {"id": vendor_id, "description": text, "status": "pending"}


class Company:
    """The task API: the answer to a create is lost, and what it lists is read two on a page."""

    def __init__(self, house, tasks):
        self.tasks, self.creates, self.read = tasks, 0, 0
        house.road.answer = self.answer

    async def answer(self, request):
        if request.method == "POST":
            self.creates += 1
            raise ConnectionResetError
        page = int(request.url.params["page"])
        rows, more = self.tasks[page * 2 - 2 : page * 2], page * 2 < len(self.tasks)
        self.has_read(page)
        self.read += not more
        return reply(200, {"data": rows, "pagination": {"has_more": more}})

    def has_read(self, page):
        """What happens then."""

    async def looked_at(self, house, times):
        for _ in range(times):
            read = self.read
            house.advance(minutes=20)
            await until(lambda before=read: self.read > before)
            await house.rests()


@run
async def test_what_is_not_on_any_of_several_pages_is_absent(house):
    company = Company(house, [listed(f"t-{number}") for number in range(3)])
    async with house.open():
        record = await house.submit(call_back(type="vob"))
        await company.looked_at(house, 2)
        await house.comes_to(record, "unknown")
    assert company.creates == 2


@run
async def test_what_slips_between_two_pages_while_they_are_read_is_not_absent(house):
    company = Company(
        house, [listed("t-0"), listed("t-1"), listed("t-ours", call_back()["description"]), listed("t-2")]
    )

    def has_read(page):
        """One on the page that was read is deleted; later another one is new."""
        if page == 1:
            del company.tasks[0]
        else:
            company.tasks.insert(0, listed(f"t-new-{company.read}"))

    company.has_read = has_read
    async with house.open():
        record = await house.submit(call_back(type="vob"))
        await company.looked_at(house, 3)
        assert (await house.now(record)).absent_at is None
    assert company.creates == 1


@run
async def test_a_look_that_began_before_the_attempt_had_ended_proves_nothing_however_long_it_takes(house):
    company = Company(house, [])

    def has_read(_page):
        house.clock += timedelta(minutes=10)

    company.has_read = has_read
    async with house.open():
        record = await house.submit(call_back(type="vob"))
        house.advance(seconds=5)
        await until(lambda: company.read)
        await house.rests()

        assert (await house.now(record)).absent_at is None


@pytest.mark.parametrize(("names", "state"), [("user_riverbend", "unknown"), ("user_lakeside", "delivered")])
@run
async def test_what_names_another_connection_of_ours_is_not_found_by_looking_at_this_one(tmp_path, names, state):
    shutil.copytree(HOUSE, tmp_path / "house")
    other = (HOUSE / "clinics/lakeside.yaml").read_text().replace("lakeside", "riverbend")
    (tmp_path / "house/clinics/riverbend.yaml").write_text(other)
    house = House(tmp_path / "gateway.db", directory=tmp_path / "house")
    told = call_back()
    echoed = {"description": told["description"], "patient_mrn": told["patient"]["mrn"]}
    looks = []

    async def answer(request):
        if request.method == "POST":
            raise ConnectionResetError
        looks.append(request)
        created = {**event("task.created", **echoed), "access_token_reference_id": names}
        return reply(200, {"webhook_events": [created]})

    house.road.answer = answer
    async with house.open():
        record = await house.submit(told)
        house.advance(minutes=5)
        await until(lambda: looks)
        await house.rests()
        await house.comes_to(record, state)
