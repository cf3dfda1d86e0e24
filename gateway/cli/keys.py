"""`task-gateway key`: app keys."""

from __future__ import annotations

import re
import secrets
from hashlib import sha256

import msgspec
import rich_click as click

from gateway.cli.common import json_option


@click.group()
def key() -> None:
    """App keys."""


@key.command("new")
@click.argument("app")
@json_option
def new_key(app: str, as_json: bool) -> None:
    """Make a key for APP: prints the key, once, and the line for gateway.yaml. A running gateway needs a restart."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", app):
        raise click.BadParameter("letters, digits, and . _ - after the first", param_hint="APP")
    key_id = f"{''.join(letter for letter in app.lower() if letter.isalnum())[:16]}{secrets.token_hex(3)}"
    whole = f"tgk_{key_id}_{secrets.token_urlsafe(32)}"
    digest = sha256(whole.encode()).hexdigest()
    if as_json:
        click.echo(msgspec.json.encode({"app": app, "key": whole, "id": key_id, "sha256": digest}).decode())
        return
    click.echo(
        f"The key, shown only now:\n  {whole}\n\nFor gateway.yaml (an app that is there gets one more line of keys):"
    )
    click.echo(
        f"apps:\n  {app}:\n    keys:\n      - {{id: {key_id}, sha256: {digest}}}\n"
        '    clinics: ["*"]\n    roles: [submit, read]'
    )
