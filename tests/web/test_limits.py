"""Who asks for too much is told to wait, and how long; nothing of it is read or stored."""

from datetime import timedelta

import pytest
from web.world import bearer, task

STRANGE = {"Authorization": "Bearer tgk_nobody_knows"}


def spend_all(gateway, times=3):
    return [gateway.get("/v1/me", by="limited") for _ in range(times)]


def test_each_answer_tells_an_app_with_a_limit_what_is_left(gateway):
    answers = spend_all(gateway)
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"app";q=3;w=60'] * 3
    assert [answer.headers["ratelimit"] for answer in answers] == ['"app";r=2;t=20', '"app";r=1;t=40', '"app";r=0;t=60']


def test_a_refusal_of_another_kind_tells_it_too(gateway):
    for answer in (gateway.get("/v1/tasks/none", by="limited"), gateway.post("/v1/admin/reload", by="limited")):
        assert answer.headers["ratelimit"].startswith('"app";r=')


def test_what_is_more_is_a_429_that_says_when_and_nothing_of_it_is_stored(gateway):
    spend_all(gateway)
    answer = gateway.post("/v1/tasks", task(), by="limited", headers={"Idempotency-Key": "k-1"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["retryable"]) == (429, "rate-limited", True)
    assert int(answer.headers["retry-after"]) == 20
    assert answer.headers["ratelimit"] == '"app";r=0;t=60'
    assert gateway.rows()["deliveries"] == 0
    assert gateway.vendors.requests == []


def test_who_waits_as_told_is_heard_with_the_same_key(gateway):
    spend_all(gateway)
    refused = gateway.post("/v1/tasks", task(), by="limited", headers={"Idempotency-Key": "k-1"})
    gateway.skew.append(timedelta(seconds=int(refused.headers["retry-after"])))
    answer = gateway.post("/v1/tasks", task(), by="limited", headers={"Idempotency-Key": "k-1"})
    assert answer.status_code == 202
    assert "idempotent-replayed" not in answer.headers


def test_one_apps_limit_is_no_other_apps_and_no_limit_is_not_told(gateway):
    spend_all(gateway, 5)
    answer = gateway.get("/v1/me", by="reader")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("ratelimit")]


@pytest.mark.parametrize("path", ["/health/ready", "/schema/openapi.json", "/problems"])
def test_what_needs_no_key_has_no_limit(gateway, path):
    spend_all(gateway, 4)
    assert gateway.call("GET", path, by=None, headers=bearer("limited")).status_code == 200


class TestStrangers:
    def flood(self, gateway, times=200, headers=STRANGE):
        return [gateway.call("GET", "/v1/me", by=None, headers=headers) for _ in range(times)]

    def test_who_goes_on_without_a_key_is_told_to_wait(self, gateway):
        answers = self.flood(gateway)
        assert {answer.status_code for answer in answers[:120]} == {401}
        assert {answer.status_code for answer in answers[120:]} <= {401, 429}  # two a second are let go on
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["code"] == "rate-limited"

    def test_a_good_key_from_the_same_address_is_never_locked_out(self, gateway):
        self.flood(gateway)
        assert gateway.get("/v1/me").status_code == 200

    def test_a_wrong_secret_and_an_unknown_id_are_told_the_same(self, gateway):
        self.flood(gateway)
        wrong = self.flood(gateway, 1, {"Authorization": "Bearer tgk_reader_wrong"})[0]
        unknown = self.flood(gateway, 1)[0]
        assert wrong.status_code == unknown.status_code == 429
        assert {**wrong.json(), "request_id": "", "instance": ""} == {
            **unknown.json(),
            "request_id": "",
            "instance": "",
        }

    def test_after_a_while_it_is_a_401_again(self, gateway):
        self.flood(gateway)
        gateway.skew.append(timedelta(minutes=1))
        assert self.flood(gateway, 1)[0].status_code == 401
