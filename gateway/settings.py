"""gateway.yaml: the mode, the database, the accounts with vendors, the apps, and how patient the gateway is.

Mistakes are noted in the source, never raised; the values returned beside them are not to be used.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, structs

from adapters import BrokenAdapter, discover
from adapters.base import Adapter
from gateway.accounts import read_accounts, url_fault
from gateway.files.reader import Reader
from gateway.files.source import Source, Spot
from gateway.rules.clinic import Account, App, AppKey, Callback, EncryptionKey, Follow, Timeouts
from schemas import config
from schemas.private import Secret

DATABASE = "TASK_GATEWAY_DATABASE"
"""The environment variable that overrides `database`."""
_DATABASES = ("sqlite://", "postgresql://", "postgres://")
_KEY_BYTES = 32


class Settings(Struct, frozen=True, kw_only=True):
    """What gateway.yaml says. Accounts whose adapter is unknown are left out of `accounts`."""

    sources: tuple[Source, ...]
    """gateway.yaml first, then one for each adapter file that is broken."""
    production: bool
    file: config.GatewayFile
    database: str
    adapters: Mapping[str, Adapter[Any, Any]]
    accounts: Mapping[str, Account]
    apps: Mapping[str, App]
    timeouts: Timeouts
    follow: Follow
    encryption: tuple[EncryptionKey, ...]


def read_settings(source: Source, directory: Path, environ: Mapping[str, str]) -> Settings:
    """The settings in `source`; paths are relative to `directory`."""
    adapters, broken = _adapters(source, directory)
    production = isinstance(source.data, dict) and source.data.get("mode") == "production"
    reader = Reader(source, production=production, skip=_options(source, adapters))
    file = reader.read(config.GatewayFile)
    _no_key_twice(source, file.apps)
    return Settings(
        sources=(source, *broken),
        production=production,
        file=file,
        database=_database(source, file.database, environ, production=production),
        adapters=adapters,
        accounts=read_accounts(source, file.accounts, adapters, production=production),
        apps={name: _app(source, name, app, production=production) for name, app in file.apps.items()},
        timeouts=Timeouts(**structs.asdict(file.timeouts)),
        follow=Follow(**structs.asdict(file.follow)),
        encryption=_encryption(source, file.encryption.keys, production=production),
    )


def _adapters(source: Source, directory: Path) -> tuple[Mapping[str, Adapter[Any, Any]], list[Source]]:
    """The sound adapters, and a source with the reason for each broken one."""
    given = source.data.get("adapter_paths") if isinstance(source.data, dict) else None
    paths = []
    for index, text in enumerate(given if isinstance(given, list) else []):
        if isinstance(text, str) and (directory / text).is_dir():
            paths.append(directory / text)
        else:
            source.note(("adapter_paths", index), "there is no such directory")
    try:
        return discover(paths), []
    except BrokenAdapter as error:
        broken = []
        for file, reason in error.reasons:
            inside = Path(file).is_relative_to(directory)
            broken.append(Source(Path(file).relative_to(directory).as_posix() if inside else file))
            broken[-1].spoil(1, f"broken adapter: {reason}")
        return error.found, broken


def _options(source: Source, adapters: Mapping[str, Adapter[Any, Any]]) -> frozenset[Spot]:
    """Where accounts hold an option of their adapter; under an unknown adapter anything may be one."""
    spots: set[Spot] = set()
    for name in source.keys("accounts"):
        keys = source.keys("accounts", name)
        adapter = adapters.get(str(source.data["accounts"][name].get("adapter"))) if keys else None
        options = adapter.account.__struct_fields__ if adapter else keys
        spots |= {("accounts", name, key) for key in options}
    return frozenset(spots)


def _database(source: Source, given: str, environ: Mapping[str, str], *, production: bool) -> str:
    override = environ.get(DATABASE)
    url = override or given
    named = f"{DATABASE} is" if override else "expected"
    if not url.startswith(_DATABASES):
        source.note(("database",), f"{named} {'not ' if override else ''}sqlite:///PATH or postgresql://...")
    inline = not override and ("database",) not in source.references
    if production and inline and url.startswith("postgres") and urlsplit(url).password:
        source.note(("database",), f"in production a password must not stand here: use a reference, or {DATABASE}")
    return url


PUBLISHED_KEYS = frozenset(
    {
        "d1caaf92d5c0462ab74c60c5b25470006ac010a5d6a26e70eab5afc911803a76",  # the shipped example's intake
        "72e26d6d3926a6f4e182f1183b5ecb78b572b524b01c6e222fb1e994d01ea7b4",  # and its operator
    }
)
"""The hashes of keys that anybody can read in the example configuration."""


def _app(source: Source, name: str, shape: config.App, *, production: bool) -> App:
    callback = None
    if shape.callback is not None:
        fault = url_fault(shape.callback.url, production=production)
        if fault:
            source.note(("apps", name, "callback", "url"), fault)
        callback = Callback(**structs.asdict(shape.callback))
    for index, key in enumerate(shape.keys if production else ()):
        if key.sha256 in PUBLISHED_KEYS:
            source.note(("apps", name, "keys", index), "this key is published: production requires one of its own")
    return App(
        name=name,
        keys=tuple(AppKey(id=key.id, sha256=key.sha256) for key in shape.keys),
        clinics=frozenset(("*",) if isinstance(shape.clinics, str) else shape.clinics),
        roles=frozenset(shape.roles),
        require_key=shape.require_key,
        callback=callback,
    )


def _no_key_twice(source: Source, apps: Mapping[str, config.App]) -> None:
    """A key id finds its app, so it may stand once only."""
    first: dict[str, str] = {}
    for name, app in apps.items():
        for index, key in enumerate(app.keys):
            if key.id in first:
                source.note(("apps", name, "keys", index, "id"), f"taken by a key of {first[key.id]}")
            elif key.id:
                first[key.id] = name


def _encryption(source: Source, keys: Sequence[config.EncryptionKey], *, production: bool) -> tuple[EncryptionKey, ...]:
    if production and not keys:
        source.note(("encryption", "keys"), "production requires one (32 bytes, base64)")
    seen: set[str] = set()
    for index, key in enumerate(keys):
        spot = ("encryption", "keys", index)
        if key.id in seen:
            source.note((*spot, "id"), "this id is taken by an earlier key")
        seen.add(key.id)
        if not _is_key(key.key):
            source.note((*spot, "key"), f"expected {_KEY_BYTES} bytes in base64")
    return tuple(EncryptionKey(id=key.id, key=key.key) for key in keys)


def _is_key(secret: Secret) -> bool:
    try:
        return len(b64decode(secret.reveal(), validate=True)) == _KEY_BYTES
    except ValueError:
        return False
