"""What trying a connection proves."""

import json
from datetime import timedelta
from email.utils import format_datetime

import pytest
from rules.clinics import HARBOR, HILLTOP, LAKESIDE
from rules.records import NOW

from adapters.base import HttpResponse
from gateway.rules.probing import NOBODY, Proved, ahead, asked, proved

COBALT, TASK_API, MAXCARE = LAKESIDE.connections["emr"], HILLTOP.connections["tasks"], HARBOR.connections["maxcare"]
KEY = HARBOR.connections["maxcare"].account.credentials.api_key.reveal()
EVENTS = {"success": True, "webhook_events": [], "pagination": {"current_page": 1, "total_pages": 0}}
ELSEWHERE = "not in the vendor's words: is base_url the vendor's?"


def said(code, message):
    return {"code": code, "message": message, "trace_id": "t"}


# The connection, status and body of an answer, and what that proves.
# fmt: off
PROVED = {
    "an empty list": (COBALT, 200, EVENTS, Proved("works", "HTTP 200")),
    "no such task, in the vendor's words": (
        TASK_API, 404, {"detail": {"type": "e", "code": "not_found", "message": "Task not found"}},
        Proved("works", "HTTP 404: no such id, as it should be")),
    "an id of another shape": (
        MAXCARE, 400, said("bad_request", "'id' must be a valid ID"),
        Proved("works", "HTTP 400: no such id, as it should be")),
    "no such path, in a router's words": (
        TASK_API, 404, {"detail": "Not Found"}, Proved("unclear", f"HTTP 404, {ELSEWHERE}")),
    "no such page, in anybody's words": (COBALT, 404, "<html>", Proved("unclear", f"HTTP 404, {ELSEWHERE}")),
    "a page of somebody else": (
        COBALT, 200, "<html>", Proved("unclear", "HTTP 200, which cannot be read: is base_url the vendor's?")),
    "a wrong key": (
        COBALT, 401, {"success": False, "message": "Unauthorized"}, Proved("refused", "HTTP 401: Unauthorized")),
    "a link that is over": (
        COBALT, 403, {"success": False, "error": "login_required", "message": "Log in\nagain"},
        Proved("refused", "HTTP 403: Log in again")),
    "a scope that is missing": (
        MAXCARE, 403, said("forbidden", "Insufficient scope. Required: read:tasks"),
        Proved("refused", "HTTP 403: Insufficient scope. Required: read:tasks")),
    "a refusal without a word": (COBALT, 401, "", Proved("refused", "HTTP 401")),
    "a refusal that repeats the key": (
        MAXCARE, 401, said("unauthorized", f"No key {KEY}"), Proved("refused", "HTTP 401: No key ***")),
    "too many": (MAXCARE, 429, said("rate_limit_exceeded", "Slow down"), Proved("unclear", "HTTP 429")),
    "a vendor in trouble": (COBALT, 503, "", Proved("unclear", "HTTP 503")),
}
# fmt: on


@pytest.mark.parametrize(("connection", "status", "body", "expected"), PROVED.values(), ids=PROVED)
def test_an_answer_proves_what_the_vendor_says_in_its_own_words(connection, status, body, expected):
    text = body if isinstance(body, str) else json.dumps(body)
    response = HttpResponse(status=status, body=text.encode())

    assert proved(connection.adapter, connection.link(), asked(connection, NOW), response) == expected


@pytest.mark.parametrize("connection", [COBALT, TASK_API, MAXCARE], ids=lambda each: each.adapter.name)
def test_what_is_asked_is_a_read_of_what_nobody_has(connection):
    request = connection.adapter.build_lookup(asked(connection, NOW), connection.link(), 1)

    assert (request.method, request.json, request.form) == ("GET", None, None)
    assert NOBODY in request.url


def at(seconds):
    """The Date header of a clock that is so far ahead of NOW."""
    return {"date": format_datetime((NOW + timedelta(seconds=seconds)).replace(microsecond=0), usegmt=True)}


@pytest.mark.parametrize("seconds", [0, 1, -1, 3600, -86400])
def test_an_answers_date_tells_how_far_the_vendors_clock_is_ahead(seconds):
    assert abs(ahead(at(seconds), NOW) - seconds) <= 1


def test_a_date_without_its_zone_is_universal_time():
    assert ahead({"date": at(0)["date"].replace("GMT", "-0000")}, NOW) == ahead(at(0), NOW)


@pytest.mark.parametrize(
    "headers", [{}, {"date": ""}, {"date": "yesterday"}, {"date": "Mon, 99 Foo 2026 25:61:61 GMT"}]
)
def test_an_answer_without_a_date_tells_nothing_of_the_clock(headers):
    assert ahead(headers, NOW) is None
