"""Secrets masked by value wherever a request is shown."""

from __future__ import annotations

from typing import Any

from adapters.base import HttpRequest, Link
from schemas.private import Secret

_TELLING = 6
"""An adapter may keep a credential as plain text; from this length on such a value is masked as well."""


def masked(text: str, link: Link[Any, Any]) -> str:
    """A vendor's words with every secret of the link replaced by `***`."""
    told: str = _masked(text, _secrets(link))
    return told


def shown(request: HttpRequest, link: Link[Any, Any]) -> dict[str, Any]:
    """The request as a caller may see it: every secret of the link replaced by `***`, in headers, URL and body."""
    body = {"json": request.json} if request.json is not None else {"form": request.form} if request.form else {}
    visible = {"method": request.method, "url": request.url, "headers": dict(request.headers), **body}
    hidden: dict[str, Any] = _masked(visible, _secrets(link))
    return hidden


def _secrets(link: Link[Any, Any]) -> list[str]:
    """The link's secrets, the longest first: one may be part of another."""
    found = {link.token.reveal()} if link.token else set()
    for settings in (link.account, link.connection):
        values = [getattr(settings, name) for name in getattr(settings, "__struct_fields__", ())]
        found |= {value.reveal() for value in values if isinstance(value, Secret)}
        found |= {value for value in values if isinstance(value, str) and len(value) >= _TELLING}
    return sorted((text for text in found if text), key=len, reverse=True)


def _masked(value: Any, secrets: list[str]) -> Any:
    match value:
        case str():
            for secret in secrets:
                value = value.replace(secret, "***")
            return value
        case dict():
            return {key: _masked(each, secrets) for key, each in value.items()}
        case list():
            return [_masked(each, secrets) for each in value]
        case _:
            return value
