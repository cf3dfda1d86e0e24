"""What every answer says to the browser, the cache or the proxy that gets it."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.web.templates import STYLE

_YEARS = 2 * 365 * 24 * 3600

_ALWAYS: Mapping[bytes, bytes] = {
    b"cache-control": b"no-store",
    b"content-security-policy": (
        f"default-src 'none'; style-src {STYLE}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'".encode()
    ),
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}


def safe_headers(*, production: bool) -> Mapping[bytes, bytes]:
    """What an answer says unless it says otherwise: keep no copy, run nothing, be framed and embedded nowhere.

    In production also: come back by HTTPS alone. A browser heeds that only where it came by HTTPS, through the proxy
    that the gateway stands behind; in development it would lock people out of other things on their own machine.
    """
    strict = {b"strict-transport-security": f"max-age={_YEARS}; includeSubDomains".encode()}
    return {**_ALWAYS, **(strict if production else {})}
