"""Which user an address of the network stands for."""

from __future__ import annotations

import ipaddress
from typing import Final

_SITE_BITS: Final = 64


def user_of_address(address: str) -> str:
    """Return the name of the user at an address, without a login.

    An IPv6 site has a network of 64 bits at least (RFC 4291, section 2.5.4), in which each device
    takes as many addresses as it likes (RFC 8981): they are one user. So is an IPv4 address that is
    mapped into IPv6.

    >>> user_of_address("2001:db8:1:2:aaaa::1") == user_of_address("2001:db8:1:2:bbbb::9")
    True
    >>> user_of_address("::ffff:203.0.113.7")
    '203.0.113.7'
    >>> user_of_address("testclient")
    'testclient'
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _SITE_BITS), strict=False))
