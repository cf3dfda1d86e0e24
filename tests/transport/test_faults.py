"""What each fault of a vendor's network comes to: whether a byte may have left, what was answered, what came."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from dataclasses import dataclass

import pytest
from running import run
from transport.sending import Mark, send, wired
from transport.vendor import OK, Answering, Line, Vendor, answers, warmed

from gateway.transport import MOST


@dataclass(frozen=True)
class Row:
    """One fault, told as what the vendor does with a request, and what we must make of it."""

    name: str
    does: Answering
    status: int | None = None
    body: bytes | None = None
    fault: str | None = None
    arrived: int = 1
    large: bool = False


async def closed_at_once(line: Line) -> None:
    await line.close()


async def reset_at_once(line: Line) -> None:
    line.reset()


async def closed_after_reading(line: Line) -> None:
    await line.request()


async def reset_after_reading(line: Line) -> None:
    await line.request()
    line.reset()


async def silent_after_reading(line: Line) -> None:
    await line.request()
    await asyncio.sleep(30)


async def early_refusal(line: Line) -> None:
    await line.head()
    await line.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
    await asyncio.sleep(0.05)


def says(*parts: bytes, pause: float = 0.0) -> Answering:
    """Read the request, answer with these bytes, close."""

    async def answering(line: Line) -> None:
        await line.request()
        for part in parts:
            await line.say(part)
            await asyncio.sleep(pause)

    return answering


def drips(start: bytes, drop: bytes) -> Answering:
    async def answering(line: Line) -> None:
        await line.request()
        await line.say(start)
        while True:
            await asyncio.sleep(0.02)
            await line.say(drop)

    return answering


async def endless(line: Line) -> None:
    await line.request()
    await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n")
    for _ in range(64):
        await line.say(b"x" * 65536)
        await asyncio.sleep(0)


def status(number: int, extra: bytes = b"") -> Row:
    text = b"HTTP/1.1 %d Whatever\r\ncontent-length: 2\r\n%s\r\n{}" % (number, extra)
    return Row(f"status {number}", answers(text), status=number, body=b"{}")


GZIP = gzip.compress(b'{"ok":true}')
BEFORE_READING = [
    Row("accepted, then closed", closed_at_once, arrived=0),
    Row("accepted, then reset", reset_at_once, arrived=0),
]
ROWS = [
    Row("read, then closed", closed_after_reading),
    Row("read, then reset", reset_after_reading),
    Row("read, then silent", silent_after_reading, fault="deadline"),
    Row("an early 413 to a large body", early_refusal, status=413, body=b"{}", arrived=0, large=True),
    Row("a status line of garbage", says(b"\x00\x01garbage\r\n\r\n")),
    Row("an answer in HTTP/0.9", says(b'{"ok":true}')),
    Row("headers of 2 MB", says(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2_000_000 + b"\r\n\r\n")),
    Row("headers cut short", says(b"HTTP/1.1 200 OK\r\ncontent-le")),
    Row("a body shorter than its length", says(b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"ok"')),
    Row(
        "a chunked body cut short", says(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"ok"\r\n6\r\n:tr')
    ),
    Row("chunks that are none", says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n")),
    Row("a body without a length, closed early", says(b'HTTP/1.1 200 OK\r\n\r\n{"ok"'), status=200, body=b'{"ok"'),
    Row("a body in drops", drips(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", b"x"), fault="deadline"),
    Row("headers in drops", drips(b"HTTP/1.1 200 OK\r\nx: ", b"y"), fault="deadline"),
    Row("an endless 102", drips(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), fault="deadline"),
    Row("100, then silence", says(b"HTTP/1.1 100 Continue\r\n\r\n", b"", pause=0.5), fault="deadline"),
    Row(
        "100 and 103, then 200",
        answers(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + OK),
        status=200,
        body=b'{"ok":true}',
    ),
    Row(
        "gzip although identity was asked for",
        answers(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(GZIP) + GZIP),
        status=200,
        body=GZIP,
    ),
    Row("a body without an end", endless, fault="oversized:200"),
    *(status(number, b"location: /elsewhere\r\n") for number in (301, 302, 303, 307, 308)),
    *(status(number, b"retry-after: 1\r\n") for number in (408, 421, 425, 429, 503)),
    Row("204 without a body", answers(b"HTTP/1.1 204 No\r\n\r\n"), status=204, body=b""),
]
LARGE = {"description": "x" * 900_000}


def named(row):
    return row.name


@pytest.fixture(params=["plain", "tls"])
def server_tls(request):
    return request.getfixturevalue("certificates").server if request.param == "tls" else None


@pytest.fixture
def client_tls(request, server_tls):
    return request.getfixturevalue("certificates").trusting if server_tls else None


def check(row, exchange, vendor, arrived):
    assert exchange.begun
    if row.status is None:
        assert exchange.response is None
        assert exchange.fault == row.fault if row.fault else exchange.fault.startswith("transport:")
    else:
        assert exchange.fault == ""
        assert (exchange.response.status, exchange.response.body) == (row.status, row.body)
    assert len(vendor.requests) == arrived


@pytest.mark.parametrize("row", [*BEFORE_READING, *ROWS], ids=named)
@run
async def test_a_fault_on_a_fresh_connection_is_told_as_it_is(row, server_tls, client_tls):
    mark = Mark()
    async with Vendor(row.does).open(server_tls) as vendor, wired(client_tls) as wire:
        exchange = await send(wire, vendor.url, mark=mark, body=LARGE if row.large else None)

        check(row, exchange, vendor, row.arrived)
        assert vendor.connections == mark.made == 1


@pytest.mark.parametrize("row", ROWS, ids=named)
@run
async def test_a_fault_on_a_kept_connection_is_told_as_it_is(row, server_tls, client_tls):
    async with Vendor(warmed(row.does)).open(server_tls) as vendor, wired(client_tls) as wire:
        first = await send(wire, vendor.url, reuse=True)
        assert first.response is not None

        mark = Mark()
        exchange = await send(wire, vendor.url, reuse=True, mark=mark, body=LARGE if row.large else None)

        check(row, exchange, vendor, 1 + row.arrived)
        assert vendor.connections == mark.made == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize("reuse", [False, True], ids=["fresh", "kept"])
@run
async def test_a_request_whose_answer_is_lost_arrives_once_whatever_its_method(method, reuse, server_tls, client_tls):
    mark = Mark()
    answering = warmed(closed_after_reading) if reuse else closed_after_reading
    async with Vendor(answering).open(server_tls) as vendor, wired(client_tls) as wire:
        if reuse:
            await send(wire, vendor.url, reuse=True)

        exchange = await send(wire, vendor.url, reuse=reuse, mark=mark, method=method)

        assert exchange.begun
        assert exchange.response is None
        assert mark.made == 1
        assert len(vendor.requests) == (2 if reuse else 1)


@pytest.mark.parametrize("reuse", [False, True], ids=["fresh", "kept"])
@run
async def test_a_protocol_switch_nobody_asked_for_is_no_answer_of_the_vendors(reuse, server_tls, client_tls):
    text = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
    async with Vendor(answers(text)).open(server_tls) as vendor, wired(client_tls) as wire:
        exchange = await send(wire, vendor.url, reuse=reuse)

        assert exchange.begun
        assert exchange.response is None or exchange.response.status == 101
        assert len(vendor.requests) == 1


# Nothing left: the connection never came up.


async def refused_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def check_nothing_left(exchange, mark):
    assert not exchange.begun
    assert exchange.response is None
    assert exchange.fault.startswith("transport:")
    assert mark.made == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
@run
async def test_a_refused_connection_sends_nothing(scheme):
    mark = Mark()
    async with wired() as wire:
        exchange = await send(wire, f"{scheme}://127.0.0.1:{await refused_port()}", mark=mark)

    check_nothing_left(exchange, mark)


@pytest.mark.parametrize("reuse", [False, True], ids=["fresh", "kept"])
@run
async def test_a_name_that_does_not_resolve_sends_nothing(monkeypatch, reuse):
    def unknown(*_arguments, **_named):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    mark = Mark()
    async with wired() as wire:
        exchange = await send(wire, "http://vendor.invalid", mark=mark, reuse=reuse)

    check_nothing_left(exchange, mark)


@run
async def test_a_certificate_of_an_unknown_authority_sends_nothing(certificates):
    mark = Mark()
    async with Vendor(answers(OK)).open(certificates.server) as vendor, wired(ssl.create_default_context()) as wire:
        exchange = await send(wire, vendor.url, mark=mark)

        check_nothing_left(exchange, mark)
        assert vendor.received == 0


@run
async def test_a_certificate_of_another_name_sends_nothing(certificates):
    mark = Mark()
    async with Vendor(answers(OK)).open(certificates.misnamed) as vendor, wired(certificates.trusting) as wire:
        exchange = await send(wire, vendor.url, mark=mark)

        check_nothing_left(exchange, mark)
        assert vendor.received == 0


@run
async def test_tls_to_a_plain_port_sends_nothing(certificates):
    mark = Mark()
    async with Vendor(answers(OK)).open() as vendor, wired(certificates.trusting) as wire:
        exchange = await send(wire, vendor.url.replace("http:", "https:"), mark=mark)

        check_nothing_left(exchange, mark)
        assert vendor.requests == []


@run
async def test_a_handshake_that_hangs_ends_at_the_connect_timeout_and_sends_nothing(certificates):
    async def hangs(_line: Line) -> None:
        await asyncio.sleep(30)

    mark = Mark()
    async with Vendor(hangs).open() as vendor, wired(certificates.trusting, send=5) as wire:
        exchange = await send(wire, vendor.url.replace("http:", "https:"), mark=mark)

        check_nothing_left(exchange, mark)
        assert vendor.requests == []


def test_the_most_that_is_read_is_a_mebibyte():
    assert MOST == 1024 * 1024
