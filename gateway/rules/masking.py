"""Secrets masked by value wherever a request is shown, and what is made of them hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from adapters.base import HttpRequest, Link
from schemas.outcome import Blocked, Outcome, Refused
from schemas.private import Secret

_TELLING = 6
"""An adapter may keep a credential as plain text; from this length on such a value is masked as well."""


def masked(text: str, link: Link[Any, Any]) -> str:
    """A vendor's words with every secret of the link replaced by `***`."""
    told: str = _masked(text, _secrets(link))
    return told


def without_secrets(outcome: Outcome, link: Link[Any, Any]) -> Outcome:
    """The outcome, secrets masked in the vendor's words: "invalid API key sk_..." is read by the command's caller."""
    match outcome:
        case Refused(message=message, field=field):
            return structs.replace(outcome, message=masked(message, link), field=masked(field, link) if field else None)
        case Blocked(message=message):
            return structs.replace(outcome, message=masked(message, link))
        case _:
            return outcome


def shown(build: Callable[[Link[Any, Any]], HttpRequest], link: Link[Any, Any]) -> dict[str, Any]:
    """What `build` makes for the link, as a caller may see it: every secret replaced by `***`, wherever it stands.

    What is made of a secret (Basic credentials, a signature) is another text when the secret is another, and is hidden
    as a whole. Raises what `build` raises.
    """
    visible = _masked(_visible(build(link)), _secrets(link))
    stand_in = _stand_in(link)
    try:
        other = _masked(_visible(build(stand_in)), [*_secrets(link), *_secrets(stand_in)])
    except Exception:  # noqa: BLE001 - an adapter may want secrets of one form; nothing is known to be harmless then
        other = {}
    return {part: _unless_other(value, other.get(part)) for part, value in visible.items()}


def _visible(request: HttpRequest) -> dict[str, Any]:
    body = {"json": request.json} if request.json is not None else {"form": request.form} if request.form else {}
    return {"method": request.method, "url": request.url, "headers": dict(request.headers), **body}


def _stand_in(link: Link[Any, Any]) -> Link[Any, Any]:
    """The link with other secrets, of the same length and letters."""
    return structs.replace(
        link, account=_disguised(link.account), connection=_disguised(link.connection), token=_reversed(link.token)
    )


def _disguised(settings: Any) -> Any:
    fields = {name: getattr(settings, name) for name in getattr(settings, "__struct_fields__", ())}
    return structs.replace(settings, **{name: _reversed(each) for name, each in fields.items()}) if fields else settings


def _reversed(value: Any) -> Any:
    return Secret(value.reveal()[::-1]) if isinstance(value, Secret) else value


def _unless_other(value: Any, other: Any) -> Any:
    """The value, with `***` for each text in it that differs in the other."""
    if value == other:
        return value
    match value, other:
        case dict(), dict():
            return {key: _unless_other(each, other.get(key)) for key, each in value.items()}
        case list(), list() if len(value) == len(other):
            return [_unless_other(each, another) for each, another in zip(value, other, strict=True)]
        case _:
            return "***"


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
        case list() | tuple():
            return [_masked(each, secrets) for each in value]
        case _:
            return value
