"""Cobalt's webhook configuration: POST, GET and DELETE /v1/webhook, and rotate-secret (webhook-setup page)."""

from __future__ import annotations

import secrets

from msgspec import Struct

from gateway.sandbox.cobalt_replies import refusal
from gateway.sandbox.settings import CobaltSettings
from gateway.sandbox.stand import Json


class Hooks(Struct):
    """Where events go and what signs them: one secret for all URLs. `urls` is by webhook id."""

    secret: str
    urls: dict[str, str]

    @classmethod
    def of(cls, settings: CobaltSettings) -> Hooks:
        """The registrations that the settings begin with."""
        return cls(settings.webhook_secret, {new_hook_id(): url for url in settings.webhook_urls})


def new_hook_id() -> str:
    """An id for a registered URL; no page shows its form."""
    return f"wh_{secrets.token_hex(12)}"


def add_hook(hooks: Hooks, body: Json) -> Json:
    """The answer of POST /v1/webhook.

    The setup and create-webhook pages show five shapes; this is the flat one with `webhook_id`. They say
    https; a stand-in takes http as well, because its receivers are on the same machine.
    """
    url = body.get("webhook_url")
    if not isinstance(url, str) or not url.strip():
        raise refusal(400, "Missing required field: webhook_url")
    if not url.startswith(("https://", "http://")):
        raise refusal(400, "Invalid webhook_url: must be a URL.")
    ident = new_hook_id()
    hooks.urls[ident] = url
    return {"success": True, "webhook_id": ident, "webhook_url": url, "webhook_secret": hooks.secret}


def show_hooks(hooks: Hooks) -> Json:
    """The answer of GET /v1/webhook; the secret can be read again."""
    urls = [{"id": ident, "url": url} for ident, url in hooks.urls.items()]
    first = urls[0]["url"] if urls else None
    return {"success": True, "webhook_url": first, "webhook_urls": urls, "webhook_secret_key": hooks.secret}


def remove_hook(hooks: Hooks, ident: str) -> Json:
    """The answer of DELETE /v1/webhook/:id."""
    if hooks.urls.pop(ident, None) is None:
        raise refusal(404, "Webhook not found.")
    return {"success": True, "message": "Webhook deleted."}


def rotate_secret(hooks: Hooks) -> Json:
    """The answer of POST /v1/webhook/rotate-secret; the old secret signs nothing from then on."""
    hooks.secret = f"whsec_cobalt_{secrets.token_hex(12)}"
    return {"success": True, "webhook_secret_key": hooks.secret}
