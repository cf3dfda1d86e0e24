"""`task-gateway key`: app keys. The configuration is the operator's: what to change there is printed, never written."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import Any

import rich_click as click
from msgspec import structs

from gateway.cli.common import columns, config_option, console, json_option, print_json, whole
from gateway.cli.key_edits import Edit, adding, removing
from gateway.clinics import GATEWAY, load
from gateway.errors import Stopped
from gateway.files.source import Source, did_you_mean
from gateway.files.strict_yaml import read_yaml
from gateway.rules.clinic import App

_RELOAD = "Then put it in force: SIGHUP to the gateway, or POST /v1/admin/reload (role admin). No restart is needed."


@click.group()
def key() -> None:
    """App keys: only their hashes stand in gateway.yaml, and only you write there."""


@key.command("new")
@click.argument("app")
@json_option
def new_key(app: str, as_json: bool) -> None:
    """Make a key for a new APP: prints the key, once, and the lines for gateway.yaml."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", app):
        raise click.BadParameter("letters, digits, and . _ - after the first", param_hint="APP")
    key_id, whole, digest = _made(app)
    if as_json:
        print_json({"app": app, "key": whole, "id": key_id, "sha256": digest})
        return
    click.echo(
        f"The key, shown only now:\n  {whole}\n\nFor gateway.yaml (if {app} is there: task-gateway key rotate {app}):"
    )
    click.echo(
        f"apps:\n  {app}:\n    keys:\n      - {{id: {key_id}, sha256: {digest}}}\n"
        f'    clinics: ["*"]\n    roles: [submit, read]\n\n{_RELOAD}'
    )


@key.command("list")
@config_option
@json_option
def list_keys(directory: Path, as_json: bool) -> None:
    """Which apps there are: the ids of their keys, their roles, clinics and limits. Never a secret."""
    apps = load(directory, os.environ).apps.values()
    if as_json:
        print_json({"apps": [_shown(app) for app in apps]})
        return
    table = columns(whole("app"), "keys", "roles", "clinics", "a minute")
    for app in apps:
        shown = _shown(app)
        lists = (", ".join(shown[name]) for name in ("keys", "roles", "clinics"))
        table.add_row(app.name, *lists, str(app.per_minute or ""))
    console().print(table)


@key.command("rotate")
@click.argument("app")
@config_option
@json_option
def rotate_key(app: str, directory: Path, as_json: bool) -> None:
    """Make another key for APP: prints the key, once, and the line to add beside the old one; both work meanwhile."""
    held = _held(directory, app)
    key_id, whole, digest = _made(app)
    edit = adding(*_file(directory), app, key_id, digest)
    if as_json:
        print_json({"app": app, "key": whole, "id": key_id, "sha256": digest, "edit": structs.asdict(edit)})
        return
    click.echo(f"The new key, shown only now:\n  {whole}\n")
    _show(directory, edit)
    for old in held:
        click.echo(f"\nWhen the log shows no more requests with {old} (key_id): task-gateway key revoke {app} {old}")


@key.command("revoke")
@click.argument("app")
@click.argument("key_id", metavar="ID")
@config_option
@json_option
def revoke_key(app: str, key_id: str, directory: Path, as_json: bool) -> None:
    """Say which lines of gateway.yaml to remove so that the key ID of APP lets nobody in any more."""
    held = _held(directory, app)
    if key_id not in held:
        raise Stopped(f"the app {app} has no key '{key_id}'{_advice(key_id, held)}")
    edit = removing(*_file(directory), app, key_id)
    if as_json:
        print_json({"app": app, "id": key_id, "edit": structs.asdict(edit)})
        return
    _show(directory, edit)


def _made(app: str) -> tuple[str, str, str]:
    """A key's id, the key, and its hash."""
    key_id = f"{''.join(letter for letter in app.lower() if letter.isalnum())[:16]}{secrets.token_hex(3)}"
    whole = f"tgk_{key_id}_{secrets.token_urlsafe(32)}"
    return key_id, whole, sha256(whole.encode()).hexdigest()


def _shown(app: App) -> dict[str, Any]:
    return {
        "app": app.name,
        "keys": [key.id for key in app.keys],
        "roles": sorted(app.roles),
        "clinics": sorted(app.clinics),
        "per_minute": app.per_minute,
    }


def _held(directory: Path, app: str) -> list[str]:
    """The ids of the app's keys. Raises Stopped for an app that nobody knows, ConfigErrors."""
    apps = load(directory, os.environ).apps
    if app not in apps:
        raise Stopped(f"{GATEWAY} has no app '{app}'{_advice(app, apps)}")
    return [key.id for key in apps[app].keys]


def _advice(given: str, known: Collection[str]) -> str:
    return did_you_mean(given, known) or f"; known: {', '.join(sorted(known)) or 'none'}"


def _file(directory: Path) -> tuple[Source, list[str]]:
    return read_yaml(directory, GATEWAY, os.environ), (directory / GATEWAY).read_text("utf-8-sig").splitlines()


def _show(directory: Path, edit: Edit) -> None:
    click.echo(f"{directory / edit.file}, {edit.how}:\n{edit.text}\n\n{_RELOAD}")
