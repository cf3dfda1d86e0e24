"""What a request over the wire can be relied on for: its mark first, at most once, exact, no other's answer."""

from __future__ import annotations

import asyncio
import random
import re

import pytest
from running import run, until
from transport.sending import Mark, post, send, wired
from transport.vendor import OK, Line, Vendor, answers

from adapters.base import HttpRequest
from gateway.transport import MarkRefused


@pytest.fixture(params=["plain", "tls"])
def server_tls(request):
    return request.getfixturevalue("certificates").server if request.param == "tls" else None


@pytest.fixture
def client_tls(request, server_tls):
    return request.getfixturevalue("certificates").trusting if server_tls else None


async def listening(line: Line) -> None:
    """Reads what comes, from the first byte on, and answers whole requests."""
    await answers(OK)(line)


# The mark.


@pytest.mark.parametrize("reuse", [False, True], ids=["fresh", "kept"])
@run
async def test_while_the_mark_is_being_made_the_vendor_has_the_connection_and_no_byte(reuse, server_tls, client_tls):
    async with Vendor(listening).open(server_tls) as vendor, wired(client_tls, send=5) as wire:
        if reuse:
            await send(wire, vendor.url, reuse=True)
        before = vendor.received
        seen = []

        async def slow() -> None:
            await until(lambda: vendor.connections == 1)
            await asyncio.sleep(0.1)
            seen.append(vendor.received - before)

        exchange = await send(wire, vendor.url, reuse=reuse, mark=slow)

        assert seen == [0]
        assert exchange.response is not None
        assert exchange.begun


@pytest.mark.parametrize("reuse", [False, True], ids=["fresh", "kept"])
@run
async def test_a_mark_that_is_refused_sends_nothing_and_is_told_as_it_is(reuse, server_tls, client_tls):
    async def refused() -> None:
        raise MarkRefused("the lease was lost")

    async with Vendor(listening).open(server_tls) as vendor, wired(client_tls, send=5) as wire:
        if reuse:
            await send(wire, vendor.url, reuse=True)
        before = vendor.received
        with pytest.raises(MarkRefused, match="the lease was lost"):
            await send(wire, vendor.url, reuse=reuse, mark=refused)
        await asyncio.sleep(0.05)

        assert vendor.received == before
        assert (await send(wire, vendor.url, reuse=reuse)).response is not None


@run
async def test_a_deadline_during_the_mark_sends_nothing(server_tls, client_tls):
    async with Vendor(listening).open(server_tls) as vendor, wired(client_tls) as wire:
        exchange = await send(wire, vendor.url, mark=lambda: asyncio.sleep(30))
        await asyncio.sleep(0.05)

        assert (exchange.begun, exchange.fault) == (False, "deadline")
        assert vendor.received == 0


@run
async def test_a_mark_that_breaks_sends_nothing():
    async def broken() -> None:
        raise ValueError("broken")

    async with Vendor(listening).open() as vendor, wired() as wire:
        exchange = await send(wire, vendor.url, mark=broken)

        assert (exchange.begun, exchange.fault) == (False, "transport:ValueError")
        assert vendor.received == 0


# What is sent.


@run
async def test_header_names_and_values_go_out_exactly_as_the_adapter_wrote_them():
    async with Vendor(answers(OK)).open() as vendor, wired() as wire:
        await send(wire, vendor.url, body={"description": "Zoë"})

    head, _, body = vendor.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1/tasks HTTP/1.1"
    for wanted in (b"client_id: ci", b"access_token: at", b"X-API-Key: key", b"accept-encoding: identity"):
        assert wanted in lines
    names = [line.partition(b":")[0].lower() for line in lines[1:]]
    assert sorted(names) == sorted(set(names))
    assert b"user-agent" not in names
    assert body == '{"description":"Zoë"}'.encode()


@run
async def test_the_url_goes_out_as_it_was_built():
    path = "/v1/tasks?a=b%2Fc&d=%20e&f=g+h"
    async with Vendor(answers(OK)).open() as vendor, wired() as wire:
        await wire.exchange(HttpRequest(method="GET", url=vendor.url + path), Mark())

    assert vendor.requests[0].startswith(b"GET " + path.encode() + b" HTTP/1.1\r\n")


@run
async def test_a_form_goes_out_as_a_form():
    async with Vendor(answers(OK)).open() as vendor, wired() as wire:
        await wire.exchange(HttpRequest(method="POST", url=vendor.url, form={"a": "b c", "d": "ë&"}), Mark())

    assert vendor.requests[0].endswith(b"\r\n\r\na=b+c&d=%C3%AB%26")
    assert b"content-type: application/x-www-form-urlencoded" in vendor.requests[0]


@pytest.mark.parametrize("reuse", [False, True], ids=["fresh", "kept"])
@run
async def test_cookies_are_never_sent_back(reuse):
    text = OK.replace(b"\r\n\r\n", b"\r\nset-cookie: session=of-another-clinic; path=/\r\n\r\n")
    async with Vendor(answers(text)).open() as vendor, wired() as wire:
        for _ in range(3):
            await send(wire, vendor.url, reuse=reuse)

    assert len(vendor.requests) == 3
    assert not any(b"of-another-clinic" in request for request in vendor.requests)


@run
async def test_proxies_and_netrc_of_the_environment_are_ignored(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with Vendor(answers(OK)).open() as vendor, wired() as wire:
        exchange = await send(wire, vendor.url)

    assert exchange.response is not None
    assert b"authorization" not in vendor.requests[0].lower()


@pytest.mark.parametrize(
    "broken",
    [
        HttpRequest(method="POST", url="{url}/", headers={"x-note": "a\r\nx-forged: b"}, json={}),
        HttpRequest(method="POST", url="{url}/", headers={"x\r\ny": "a"}, json={}),
        HttpRequest(method="POST", url="{url}/", headers={"x-name": "Zoë \u2713"}, json={}),
        HttpRequest(method="POST", url="{url}/", json={"description": object()}),
        HttpRequest(method="POST", url="http://a\0b", json={}),
    ],
    ids=["a line break in a value", "a line break in a name", "no Latin-1", "no JSON", "no URL"],
)
@run
async def test_what_cannot_be_written_as_a_request_sends_nothing_and_is_not_marked(broken):
    mark = Mark()
    async with Vendor(answers(OK)).open() as vendor, wired() as wire:
        request = HttpRequest(
            method="POST", url=broken.url.replace("{url}", vendor.url), headers=broken.headers, json=broken.json
        )
        exchange = await wire.exchange(request, mark)

        assert (exchange.begun, exchange.response, mark.made) == (False, None, 0)
        assert exchange.fault.startswith("unsendable:")
        assert vendor.received == 0


# What is received.


@run
async def test_header_names_of_an_answer_are_in_lower_case():
    text = OK.replace(b"content-type", b"X-Request-ID: 7\r\nContent-Type")
    async with Vendor(answers(text)).open() as vendor, wired() as wire:
        exchange = await send(wire, vendor.url)

    assert exchange.response.headers["x-request-id"] == "7"
    assert exchange.response.headers["content-type"] == "application/json"


@run
async def test_a_surplus_answer_is_never_taken_for_the_next_creates(server_tls, client_tls):
    async def generous(line: Line) -> None:
        await line.request()
        await line.say(OK + OK.replace(b'{"ok":true}', b'{"no":true}'))
        await asyncio.sleep(0.01)
        await line.say(OK.replace(b'{"ok":true}', b'{"no":true}'))
        await asyncio.sleep(1)

    async with Vendor(generous).open(server_tls) as vendor, wired(client_tls) as wire:
        for _ in range(5):
            exchange = await send(wire, vendor.url)
            await asyncio.sleep(0.02)
            assert exchange.response.body == b'{"ok":true}'

        assert vendor.connections == len(vendor.requests) == 5


@run
async def test_a_surplus_answer_in_the_same_breath_is_not_the_next_ones_on_a_kept_connection(server_tls, client_tls):
    async def generous(line: Line) -> None:
        await line.request()
        await line.say(OK + OK.replace(b'{"ok":true}', b'{"no":true}'))
        await answers(OK)(line)

    async with Vendor(generous).open(server_tls) as vendor, wired(client_tls) as wire:
        for _ in range(3):
            exchange = await send(wire, vendor.url, reuse=True)
            await asyncio.sleep(0.01)
            assert exchange.response.body == b'{"ok":true}'


@run
async def test_a_kept_connection_is_used_again_and_a_fresh_one_is_not(server_tls, client_tls):
    async with Vendor(answers(OK)).open(server_tls) as vendor, wired(client_tls) as wire:
        for _ in range(3):
            await send(wire, vendor.url, reuse=True)
        assert vendor.connections == 1

        for _ in range(3):
            await send(wire, vendor.url)
        assert vendor.connections == 4


@run
async def test_a_kept_connection_that_the_vendor_has_closed_is_replaced(server_tls, client_tls):
    async def brief(line: Line) -> None:
        await line.request()
        await line.say(OK)

    async with Vendor(brief).open(server_tls) as vendor, wired(client_tls) as wire:
        for _ in range(3):
            assert (await send(wire, vendor.url, reuse=True)).response is not None
            await asyncio.sleep(0.02)

        assert len(vendor.requests) == 3


# Under stress.


@pytest.mark.parametrize("reuse", [False, True], ids=["fresh", "kept"])
@run
async def test_after_two_hundred_cancellations_the_wire_still_works_and_holds_nothing(reuse, server_tls, client_tls):
    chance = random.Random(7)  # noqa: S311 - always the same

    async def slow(line: Line) -> None:
        while True:
            await line.request()
            await asyncio.sleep(chance.random() * 0.02)
            await line.say(OK[:40])
            await asyncio.sleep(chance.random() * 0.02)
            await line.say(OK[40:])

    async with Vendor(slow).open(server_tls) as vendor, wired(client_tls, send=5, connect=5) as wire:
        marks = [Mark() for _ in range(200)]

        async def hurried(mark: Mark) -> None:
            try:
                async with asyncio.timeout(chance.random() * 0.1):
                    await send(wire, vendor.url, reuse=reuse, mark=mark)
            except TimeoutError:
                pass

        for start in range(0, 200, 20):
            await asyncio.gather(*(hurried(mark) for mark in marks[start : start + 20]))

        assert len(vendor.requests) <= sum(mark.made for mark in marks) <= 200
        assert (await send(wire, vendor.url, reuse=reuse)).response is not None
        await until(lambda: not (wire._kept if reuse else wire._fresh)._session.connector._acquired)


@pytest.mark.parametrize("reuse", [False, True], ids=["fresh", "kept"])
@run
async def test_two_hundred_creates_against_a_vendor_that_keeps_closing_never_arrive_twice(
    reuse, server_tls, client_tls
):
    chance = random.Random(11)  # noqa: S311 - always the same

    async def fickle(line: Line) -> None:
        while True:
            await line.request()
            if chance.random() < 0.2:
                return
            await line.say(OK)
            if chance.random() < 0.5:
                await asyncio.sleep(chance.random() * 0.003)
                return

    async with Vendor(fickle).open(server_tls) as vendor, wired(client_tls, send=5, connect=5) as wire:

        async def one(number: int) -> tuple[int, bool, bool]:
            exchange = await send(wire, vendor.url, reuse=reuse, body={"number": number})
            return number, exchange.begun, exchange.response is not None

        results = []
        for start in range(0, 200, 8):
            results.extend(await asyncio.gather(*(one(number) for number in range(start, start + 8))))

    arrived = [int(found[1]) for request in vendor.requests if (found := re.search(rb'"number":(\d+)}', request))]
    assert len(arrived) == len(set(arrived))
    for number, begun, answered in results:
        assert begun or number not in arrived
        assert number in arrived or not answered


def test_a_request_that_is_printed_shows_nothing_of_itself():
    request = post("http://127.0.0.1:1", {"description": "canary"})

    assert "canary" not in repr(request)
    assert "key" not in repr(request)
