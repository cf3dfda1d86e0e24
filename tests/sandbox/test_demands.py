"""A stand-in may be told to demand more of a task than the page does, as an EMR behind a vendor may."""

import pytest
from sandbox.test_cobalt import TASK as COBALT_TASK
from sandbox.test_maxcare import TASK as MAXCARE_TASK
from sandbox.test_task_api import TASK as TASK_API_TASK
from sandbox.world import cobalt, maxcare, run, task_api


@pytest.mark.parametrize(
    ("opened", "path", "task", "status", "said"),
    [
        (cobalt, "/v1/tasks", COBALT_TASK, 400, "Missing required field: color"),
        (task_api, "/v1/tasks", TASK_API_TASK, 422, '"loc":["body","color"],"msg":"Field required"'),
        (maxcare, "/v4/tasks", MAXCARE_TASK, 400, "'color' is required"),
    ],
    ids=["cobalt", "task_api", "maxcare"],
)
@run
async def test_until_a_reset_a_task_without_a_demanded_field_is_refused_in_the_vendors_words(
    opened, path, task, status, said
):
    async with opened() as vendor:
        assert (await vendor.http.put("/_sandbox/demands", json=["color"])).json() == ["color"]

        for lacking in (task, {**task, "color": ""}):
            answer = await vendor.post(path, lacking)
            assert (answer.status_code, said in answer.text) == (status, True), answer.text
        assert await vendor.count() == 0

        assert (await vendor.post(path, {**task, "color": "blue"})).is_success
        await vendor.http.post("/_sandbox/reset")
        assert (await vendor.post(path, task)).is_success


@run
async def test_demands_are_a_list_of_names():
    async with cobalt() as vendor:
        assert (await vendor.http.put("/_sandbox/demands", json={"color": True})).status_code == 400
