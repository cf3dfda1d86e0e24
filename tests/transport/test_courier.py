"""Posts to apps' endpoints: bounded in time and size, never redirected, and only to addresses that may be called."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager

import pytest
from running import run
from transport.vendor import OK, Line, Vendor, answers

from gateway.courier import MOST, Courier
from gateway.transport import VendorTransport

BODY = b'{"id":"evt_1"}'
HEADERS = {"webhook-id": "evt_1"}


@asynccontextmanager
async def courier(tls=None, *, deadline=5.0, may_call=lambda _address: True):
    made = Courier(VendorTransport(tls or ssl.create_default_context(), may_call=may_call), deadline)
    try:
        yield made
    finally:
        await made.aclose()


async def post(made, url):
    return await made.post(f"{url}/hooks?token=x", HEADERS, BODY)


def answering(head: bytes, body: bytes = b""):
    return answers(b"HTTP/1.1 " + head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


@run
async def test_the_very_bytes_that_were_signed_arrive_with_their_headers():
    async with Vendor(answers(OK)).open() as endpoint, courier() as made:
        exchange = await post(made, endpoint.url)

        head, _, body = endpoint.requests[0].partition(b"\r\n\r\n")
        assert body == BODY
        lines = head.lower().split(b"\r\n")
        assert lines[0] == b"post /hooks?token=x http/1.1"
        assert {b"webhook-id: evt_1", b"content-type: application/json", b"user-agent: task-gateway"} <= set(lines)
        assert exchange.response.status == 200
        assert exchange.response.body == b""


@run
async def test_tls_is_verified(certificates):
    async with Vendor(answers(OK)).open(certificates.misnamed) as endpoint, courier(certificates.trusting) as made:
        exchange = await post(made, endpoint.url)

        assert exchange.response is None
        assert endpoint.requests == []


@pytest.mark.parametrize("status", [b"301 x", b"302 x", b"303 x", b"307 x", b"308 x"])
@run
async def test_a_redirect_is_not_followed(status):
    async with Vendor(answers(OK)).open() as elsewhere:
        there = answering(status + b"\r\nlocation: " + elsewhere.url.encode())
        async with Vendor(there).open() as endpoint, courier() as made:
            exchange = await post(made, endpoint.url)

            assert exchange.response.status == int(status[:3])
            assert elsewhere.connections == 0


@run
async def test_an_endpoint_that_does_not_answer_is_left_at_the_deadline():
    async def silent(line: Line) -> None:
        await line.request()
        await asyncio.sleep(60)

    async with Vendor(silent).open() as endpoint, courier(deadline=0.1) as made:
        exchange = await post(made, endpoint.url)

        assert (exchange.response, exchange.fault) == (None, "deadline")


@run
async def test_one_that_drips_its_headers_is_left_at_the_deadline_too():
    async def dripping(line: Line) -> None:
        await line.request()
        for letter in OK:
            await line.say(bytes([letter]))
            await asyncio.sleep(0.05)

    async with Vendor(dripping).open() as endpoint, courier(deadline=0.3) as made:
        assert (await post(made, endpoint.url)).fault == "deadline"


@run
async def test_of_a_long_answer_no_more_is_taken_in_than_the_limit_and_its_status_counts():
    sent = 0

    async def endless(line: Line) -> None:
        nonlocal sent
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await line.say(b"x" * 4096)
            sent += 4096

    async with Vendor(endless).open() as endpoint, courier() as made:
        exchange = await post(made, endpoint.url)

        assert exchange.response.status == 200
        assert sent < 64 * MOST  # what sockets hold, and no more


@run
async def test_an_answer_whose_body_never_ends_counts_by_its_status():
    async def dripping(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\nx")
        await asyncio.sleep(60)

    async with Vendor(dripping).open() as endpoint, courier(deadline=0.2) as made:
        assert (await post(made, endpoint.url)).response.status == 202


@run
async def test_an_endpoint_that_is_not_there_is_a_fault_and_so_is_a_url_that_is_none():
    async with courier() as made:
        assert (await made.post("http://127.0.0.1:1/", HEADERS, BODY)).fault.startswith("transport:")
        assert (await made.post("http://", HEADERS, BODY)).response is None


@run
async def test_every_event_goes_over_a_connection_of_its_own():
    async with Vendor(answers(OK)).open() as endpoint, courier() as made:
        for _ in range(3):
            await post(made, endpoint.url)

        assert endpoint.connections == 3


# Addresses.


class Asked:
    """Refuses every address, and notes which it was asked for."""

    def __init__(self):
        self.addresses = []

    def __call__(self, address):
        self.addresses.append(address)
        return False


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@run
async def test_an_address_that_may_not_be_called_is_not_connected_to_by_number_or_by_name(host):
    asked = Asked()
    async with Vendor(answers(OK)).open() as endpoint, courier(may_call=asked) as made:
        exchange = await post(made, endpoint.url.replace("127.0.0.1", host))

        assert exchange.fault == "transport:AddressRefused"
        assert not exchange.begun
        assert endpoint.connections == 0
        assert "127.0.0.1" in asked.addresses


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]"])
@run
async def test_no_other_way_of_writing_an_address_passes_by(host):
    asked = Asked()
    async with Vendor(answers(OK)).open() as endpoint, courier(may_call=asked) as made:
        exchange = await post(made, endpoint.url.replace("127.0.0.1", host))

        assert exchange.response is None
        assert endpoint.connections == 0


@run
async def test_a_name_is_judged_by_the_address_that_is_connected_to_each_time(monkeypatch):
    """A name server that answers otherwise the second time gets nobody in."""
    answers_of_dns = iter(["127.0.0.1", "127.0.0.2"])
    real = socket.getaddrinfo

    def lookup(host, port, family, kind, protocol, _flags):
        return real(next(answers_of_dns) if host == "intake.example" else host, port, family, kind, protocol)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    async with (
        Vendor(answers(OK)).open() as endpoint,
        courier(may_call=lambda address: address == "127.0.0.1") as made,
        courier(may_call=lambda address: address == "127.0.0.1") as later,
    ):
        url = endpoint.url.replace("127.0.0.1", "intake.example")

        assert (await post(made, url)).response.status == 200
        assert (await post(later, url)).fault == "transport:AddressRefused"
        assert endpoint.connections == 1
