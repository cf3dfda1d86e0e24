"""Which addresses the gateway may call.

Decided of the address that is about to be connected to: a name may lead anywhere, and elsewhere the next time.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from gateway.rules.clinic import Config

Address = IPv4Address | IPv6Address

_NEVER = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "::/128",  # this host, by another name
        "169.254.0.0/16", "fe80::/10",  # link-local, where most clouds keep their metadata
        "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32",  # and where others do
        "224.0.0.0/4", "ff00::/8", "255.255.255.255/32",
    )
)  # fmt: skip
_NOT_PUBLIC = tuple(
    ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "::/3", "4000::/2", "8000::/1")
)
"""Beyond those that Python calls private. Of IPv6 only 2000::/3 is given out; all else may be a way of writing IPv4."""
_NAT64 = IPv6Network("64:ff9b::/96")


def may_call(text: str, config: Config) -> bool:
    """Whether a connection to this address may be opened.

    In production public addresses alone, and `private_networks`; in development the machine's own and private ones too.
    Never link-local ones, metadata services and multicast.
    """
    address = _meant(ip_address(text.partition("%")[0]))
    if _in(address, _NEVER):
        return False
    if _in(address, config.private_networks) or (address.is_global and not _in(address, _NOT_PUBLIC)):
        return True
    return config.mode == "development" and address.is_private


def _meant(address: Address) -> Address:
    """The address, or the IPv4 one that an IPv6 one leads to."""
    if isinstance(address, IPv4Address):
        return address
    through = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    return address.ipv4_mapped or address.sixtofour or through or address


def _in(address: Address, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address in network for network in networks)
