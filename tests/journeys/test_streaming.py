"""Streams of events over real sockets: readers come and go, and each sees every event once."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event

import httpx
from journeys import world
from journeys.world import task, until

from gateway.flows.feed import MOST

EACH = 3
"""So many events a task has."""


@contextmanager
def stream(gateway, seen=None, **params):
    """A stream's messages, as fields by name."""
    headers = {"Last-Event-ID": seen} if seen else {}
    with gateway.http.stream("GET", "/v1/events/stream", headers=headers, params=params) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].partition(";")[0] == "text/event-stream"
        yield messages(answer)


def messages(answer):
    message = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            message[name] = value
        elif message:
            yield message
            message = {}


def everything(gateway):
    """The ids of the whole feed, page by page."""
    found, after = [], "evt_0"
    while after:
        page = gateway.http.get("/v1/events", params={"after": after, "limit": 50}).json()
        found += [event["id"] for event in page["items"]]
        after = page["next_cursor"]
    return found


def test_a_stream_begins_with_a_place_to_come_back_to_and_tells_what_happens_then(gateway):
    gateway.post("/v1/tasks", task("hilltop"))
    last = everything(gateway)[-1]
    with stream(gateway) as told:
        first = next(told)
        made = gateway.post("/v1/tasks", task("hilltop")).json()
        events = [next(told) for _ in range(EACH)]

    assert first == {"id": last, "retry": "2000"}
    told = [json.loads(each["data"]) for each in events]
    assert [each["type"] for each in told] == ["task.queued", "task.sending", "task.delivered"]
    assert {each["data"]["id"] for each in told} == {made["id"]}
    assert [each["id"] for each in events] == [each["id"] for each in told] == everything(gateway)[-EACH:]


def test_a_stream_may_begin_at_any_event_and_at_the_very_first(gateway):
    for _ in range(3):
        gateway.post("/v1/tasks", task("hilltop"))
    whole = everything(gateway)
    with stream(gateway, after="evt_0") as told:
        assert [next(told)["id"] for _ in range(len(whole) + 1)] == ["evt_0", *whole]
    with stream(gateway, seen=whole[2], after=whole[0]) as told:
        assert [next(told)["id"] for _ in range(2)] == whole[2:4]


def test_a_reader_that_comes_back_fifty_times_sees_each_event_once(gateway):
    chance, seen, enough = random.Random(7), ["evt_0"], Event()  # noqa: S311 - no secret

    def submits():
        while not enough.is_set():
            assert gateway.post("/v1/tasks", task("hilltop")).status_code == 201

    with ThreadPoolExecutor(3) as callers:
        submitting = [callers.submit(submits) for _ in range(3)]
        for _ in range(50):
            with stream(gateway, seen=seen[-1]) as told:
                next(told)
                for message in told:
                    seen.append(message["id"])
                    if chance.random() < 0.2:
                        break  # and hangs up in the middle of whatever is on its way
        enough.set()
        for each in submitting:
            each.result()
    whole = everything(gateway)
    with stream(gateway, seen=seen[-1]) as told:
        next(told)
        while seen[-1] != whole[-1]:
            seen.append(next(told)["id"])

    assert seen[1:] == whole
    assert len(whole) > 100


def test_a_stream_ends_in_good_order_when_the_gateway_stops(tmp_path):
    port = world.free_port()
    with world.sandbox(tmp_path, f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{world.TOKEN}") as vendors:
        config = world.write_config(tmp_path / "config", vendors.port_base)
        with world.gateway(config, port) as gateway, ThreadPoolExecutor(3) as readers:
            with stream(gateway, after="evt_0") as told:
                next(told)
                ended = [readers.submit(list, messages_of(gateway)) for _ in range(2)]
                assert gateway.stop() == 0
                assert list(told) == []
            assert all(each.exception() is None or isinstance(each.exception(), httpx.TransportError) for each in ended)
            assert "web.broke" not in gateway.log()


def messages_of(gateway):
    with stream(gateway) as told:
        yield from told


def test_an_app_has_room_for_so_many_streams_and_for_another_when_one_is_closed(gateway):
    def more():
        return gateway.http.stream("GET", "/v1/events/stream")

    def has_room():
        with more() as answer:
            return answer.status_code == 200

    def one_more():
        """Streams that other tests have just closed may have to be forgotten first."""
        answer = opened.enter_context(more())
        if answer.status_code != 200:
            answer.close()
        return answer.status_code == 200 and answer

    with ExitStack() as opened:
        first, *_ = [until(one_more) for _ in range(MOST)]
        with more() as refused:
            assert (refused.status_code, json.loads(refused.read())["code"]) == (429, "rate-limited")
            assert refused.headers["retry-after"] == "60"
        assert gateway.http.get("/health/ready").status_code == 200
        first.close()
        until(has_room)


def test_readers_that_hang_up_leave_nothing_behind(gateway):
    for _ in range(30):
        with stream(gateway) as told:
            next(told)

    def forgotten():
        lines = [json.loads(line) for line in gateway.log().splitlines() if '"/v1/events/stream"' in line]
        return len([line for line in lines if line["event"] == "request"]) >= 30

    until(forgotten)
