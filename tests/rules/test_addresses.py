from ipaddress import ip_network

import pytest

from gateway.rules.addresses import may_call
from gateway.rules.clinic import Config


def config(mode="production", *own):
    networks = tuple(ip_network(network) for network in own)
    return Config(mode=mode, database="", accounts={}, apps={}, clinics={}, private_networks=networks)


PUBLIC = ("93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")
OWN_MACHINE = ("127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::")
PRIVATE = (
    "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "fd12:3456::1", "::ffff:10.0.0.1", "2002:a00:1::",
    "64:ff9b::c0a8:101",
)  # fmt: skip
NEVER = (
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "0.0.0.0", "::",  # noqa: S104
    "224.0.0.1", "239.255.255.250", "ff02::1", "255.255.255.255", "::ffff:169.254.169.254", "2002:a9fe:a9fe::",
    "64:ff9b::a9fe:a9fe",
)  # fmt: skip
NOT_PUBLIC = (
    "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "240.0.0.1",
    "100::1", "2001:db8::1", "3fff::1", "5f00::1", "64:ff9b:1::1", "fec0::1",
    "192.0.0.8", "::127.0.0.1", "::169.254.169.254", "::ffff:0:10.0.0.1", "::5efe:10.0.0.1", "4000::1", "8000::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address):
    assert may_call(address, config("production"))
    assert may_call(address, config("development"))


@pytest.mark.parametrize("address", OWN_MACHINE + PRIVATE)
def test_the_machine_itself_and_private_networks_may_be_called_in_development_alone(address):
    assert not may_call(address, config("production"))
    assert may_call(address, config("development"))


@pytest.mark.parametrize("address", NEVER)
def test_metadata_services_and_whole_networks_are_never_called_whatever_is_allowed(address):
    everything = config("development", "0.0.0.0/0", "::/0")

    assert not may_call(address, everything)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_nobody_serves_publicly_is_not_called_in_production(address):
    assert not may_call(address, config("production"))


def test_a_network_of_our_own_may_be_called_in_production_and_no_other():
    own = config("production", "10.20.0.0/16", "fd12::/16")

    assert may_call("10.20.0.1", own)
    assert may_call("::ffff:10.20.255.255", own)
    assert may_call("fd12::1", own)
    assert not may_call("10.21.0.1", own)
    assert not may_call("127.0.0.1", own)
