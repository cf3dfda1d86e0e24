"""What can never go out: to an address that may not be called, unproved, in the clear, or with a forged header."""

from __future__ import annotations

import ssl
from contextlib import aclosing
from ipaddress import ip_network

import pytest
from running import run
from transport.sending import Mark, post, wired
from transport.vendor import OK, Vendor, answers

from adapters.base import HttpRequest
from gateway.courier import courier
from gateway.rules.clinic import Config
from gateway.transport import wire


def config(mode="production", *networks):
    own = tuple(ip_network(network) for network in networks)
    return Config(mode=mode, database="", accounts={}, apps={}, clinics={}, private_networks=own)


def unsent(exchange, mark, vendor, fault):
    assert (exchange.begun, exchange.response, mark.made) == (False, None, 0)
    assert exchange.fault == fault
    assert vendor.received == 0


@pytest.mark.parametrize("reuse", [False, True], ids=["a create", "a look"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@run
async def test_in_production_no_vendor_is_called_at_an_address_of_our_own(certificates, reuse, host):
    mark = Mark()
    async with Vendor(answers(OK)).open(certificates.server) as vendor, aclosing(wire(config)) as made:
        exchange = await made.exchange(post(vendor.url.replace("127.0.0.1", host)), mark, reuse=reuse)
        unsent(exchange, mark, vendor, "transport:AddressRefused")


@pytest.mark.parametrize(
    "of", [config("production", "127.0.0.0/8"), config("development")], ids=["named", "development"]
)
@run
async def test_one_of_our_own_is_called_where_the_configuration_names_it_and_its_certificate_is_proved(
    certificates, of
):
    mark = Mark()
    async with Vendor(answers(OK)).open(certificates.server) as vendor, aclosing(wire(lambda: of)) as made:
        exchange = await made.exchange(post(vendor.url), mark)
        unsent(exchange, mark, vendor, "transport:ClientConnectorCertificateError")


@run
async def test_in_production_nothing_goes_out_in_the_clear_whatever_an_adapter_builds():
    mark = Mark()
    async with (
        Vendor(answers(OK)).open() as vendor,
        aclosing(wire(lambda: config("production", "127.0.0.0/8"))) as made,
    ):
        exchange = await made.exchange(post(vendor.url), mark)
        unsent(exchange, mark, vendor, "unsendable:ValueError")


@run
async def test_a_reload_to_production_closes_both():
    in_force = [config("development")]
    async with Vendor(answers(OK)).open() as vendor, aclosing(wire(lambda: in_force[-1])) as made:
        assert (await made.exchange(post(vendor.url), Mark())).response is not None
        in_force.append(config())
        made.adopt(in_force[-1])
        before = vendor.connections
        assert (await made.exchange(post(vendor.url), Mark())).fault == "unsendable:ValueError"
        secure = vendor.url.replace("http:", "https:")
        assert (await made.exchange(post(secure), Mark())).fault == "transport:AddressRefused"
        assert vendor.connections == before


@run
async def test_every_way_out_proves_certificates_and_names_by_tls_1_2_at_least():
    async with aclosing(wire(config)) as made, aclosing(courier(lambda _address: True)) as runner:
        for transport in (made._fresh, made._kept, runner._transport):
            tls = transport._session.connector._ssl
            assert tls.verify_mode == ssl.CERT_REQUIRED
            assert tls.check_hostname
            assert tls.minimum_version >= ssl.TLSVersion.TLSv1_2


FORGED = "x\r\nX-Forged: 1"
FORGERIES = {
    **{
        f"{letter!r} in a header's {part}": HttpRequest(method="POST", url="{url}/", headers=headers, json={})
        for letter in ("\r\n", "\n", "\r", "\0")
        for part, headers in (("value", {"x-note": f"a{letter}x-forged: b"}), ("name", {f"x{letter}x-forged": "b"}))
    },
    "a header's name with a colon": HttpRequest(
        method="POST", url="{url}/", headers={"x-forged: 1\r\nx": "b"}, json={}
    ),
    "an empty header's name": HttpRequest(method="POST", url="{url}/", headers={"": "x"}, json={}),
    "a method": HttpRequest(method=f"POST / HTTP/1.1\r\nX-Forged: 1\r\nX: {FORGED}", url="{url}/", json={}),
    "a path": HttpRequest(method="POST", url="{url}/" + FORGED, json={}),
    "a query": HttpRequest(method="POST", url="{url}/?a=" + FORGED, json={}),
    "a host": HttpRequest(method="POST", url="{url}" + FORGED, json={}),
}


@pytest.mark.parametrize("what", FORGERIES)
@run
async def test_no_line_of_a_requests_head_can_be_forged(what):
    forged = FORGERIES[what]
    async with Vendor(answers(OK)).open() as vendor, wired() as made:
        request = HttpRequest(
            method=forged.method, url=forged.url.replace("{url}", vendor.url), headers=forged.headers, json=forged.json
        )
        exchange = await made.exchange(request, Mark())
        assert b"x-forged: " not in b"".join(vendor.requests).lower()
        assert exchange.fault or vendor.requests
