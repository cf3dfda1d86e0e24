"""gateway.yaml: the mode, the database, the accounts with vendors, the apps, and how patient the gateway is.

Mistakes are noted in the source, never raised; the values returned beside them are not to be used.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from msgspec import Struct, structs

from adapters import BrokenAdapter, discover
from adapters.base import Adapter
from gateway.accounts import read_accounts, url_fault
from gateway.files.durations import duration
from gateway.files.reader import Reader
from gateway.files.source import Source, Spot, nearest
from gateway.production import check_production
from gateway.rules import signing
from gateway.rules.clinic import Account, App, AppKey, Callback, EncryptionKey, Follow, Timeouts
from schemas import config
from schemas.private import Secret

DATABASE = "TASK_GATEWAY_DATABASE"
"""The environment variable that overrides `database`."""
_DATABASES = ("sqlite://", "postgresql://", "postgres://")
_KEY_BYTES = 32
_KEY = f"{_KEY_BYTES} bytes in base64, as made by `openssl rand -base64 {_KEY_BYTES}`"
_PATH = "a directory of adapter files, from the configuration directory"


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
    retention: timedelta | None
    private_networks: tuple[IPv4Network | IPv6Network, ...]


def read_settings(
    source: Source, directory: Path, environ: Mapping[str, str], *, as_production: bool = False
) -> Settings:
    """The settings in `source`; paths are relative to `directory`."""
    paths = _adapter_paths(source, directory)
    adapters, broken = _adapters(paths, directory)
    mode = source.data.get("mode") if isinstance(source.data, dict) else None
    production = as_production or nearest(str(mode), get_args(config.Mode)) == "production"
    reader = Reader(source, production=production, also=lambda spot: _options(source, spot, adapters))
    file = reader.read(config.GatewayFile)
    whole = not broken and len(paths) == len(file.adapter_paths)
    _no_key_twice(source, file.apps)
    _check_timeouts(source, file.timeouts)
    database = _database(source, file.database, environ, production=production)
    if production:
        check_production(source, file, database, environ)
    return Settings(
        sources=(source, *broken),
        production=production,
        file=file,
        database=database,
        adapters=adapters,
        accounts=read_accounts(source, file.accounts, adapters, production=production, whole=whole),
        apps={name: _app(source, name, app, production=production) for name, app in file.apps.items()},
        timeouts=Timeouts(**structs.asdict(file.timeouts)),
        follow=Follow(**structs.asdict(file.follow)),
        encryption=_encryption(source, file.encryption.keys, production=production),
        retention=_retention(source, file.retention),
        private_networks=_networks(source, file.private_networks),
    )


def _adapter_paths(source: Source, directory: Path) -> list[Path]:
    """The directories of `adapter_paths` that are there."""
    given = source.data.get("adapter_paths") if isinstance(source.data, dict) else None
    paths = []
    for index, text in enumerate(given if isinstance(given, list) else []):
        if isinstance(text, str) and (directory / text).is_dir():
            paths.append(directory / text)
        elif isinstance(text, str):
            beside = [path.name for path in directory.glob("*/") if path.is_dir()]
            source.unknown(("adapter_paths", index), "directory", text, beside, expected=_PATH)
    return paths


def _adapters(paths: Sequence[Path], directory: Path) -> tuple[Mapping[str, Adapter[Any, Any]], list[Source]]:
    """The sound adapters, and a source with the reason for each broken one."""
    try:
        return discover(paths), []
    except BrokenAdapter as error:
        broken = []
        for reason in error.reasons:
            file = Path(reason.file)
            inside = file.is_relative_to(directory)
            broken.append(Source(file.relative_to(directory).as_posix() if inside else reason.file))
            broken[-1].spoil(reason.line, f"broken adapter: {reason.text}")
        return error.found, broken


def _options(source: Source, spot: Spot, adapters: Mapping[str, Adapter[Any, Any]]) -> tuple[str, ...]:
    """Which options of its adapter an account at `spot` may hold; those of an unknown adapter may be any."""
    match spot:
        case ("accounts", str(name)):
            named = nearest(str(source.data["accounts"][name].get("adapter")), adapters)
        case _:
            return ()
    if named:
        return adapters[named].account.__struct_encode_fields__
    return tuple(key for key in source.keys(*spot) if not nearest(key, config.Account.__struct_fields__))


def _database(source: Source, given: str, environ: Mapping[str, str], *, production: bool) -> str:
    override = environ.get(DATABASE)
    url = override or given
    if not url.startswith(_DATABASES) or not url.partition("://")[2].strip("/"):
        given_by = f"not what {DATABASE} is set to; " if override else ""
        source.note(("database",), f"{given_by}expected sqlite:///PATH or postgresql://...")
    inline = not override and ("database",) not in source.references
    if production and inline and url.startswith("postgres") and urlsplit(url).password:
        source.note(("database",), f"a password stands in the file; in production expected a reference, or {DATABASE}")
    return url


def _app(source: Source, name: str, shape: config.App, *, production: bool) -> App:
    callback = None
    if shape.callback is not None:
        fault = url_fault(shape.callback.url, production=production)
        if fault:
            source.note(("apps", name, "callback", "url"), fault)
        for index, secret in enumerate(shape.callback.secrets):
            if not signing.is_secret(secret):
                source.note(("apps", name, "callback", "secrets", index), f"expected {signing.SECRET}")
        callback = Callback(**structs.asdict(shape.callback))
    return App(
        name=name,
        keys=tuple(AppKey(id=key.id, sha256=key.sha256) for key in shape.keys),
        clinics=frozenset(("*",) if isinstance(shape.clinics, str) else shape.clinics),
        roles=frozenset(shape.roles),
        require_key=shape.require_key,
        per_minute=shape.limits.per_minute,
        callback=callback,
    )


def _no_key_twice(source: Source, apps: Mapping[str, config.App]) -> None:
    """A key id finds its app, and a hash is one key's, so each may stand once only."""
    first: dict[str, str] = {}
    for name, app in apps.items():
        for index, key in enumerate(app.keys):
            for field, value in structs.asdict(key).items():
                if value in first:
                    problem = f"taken by a key of {first[value]}; make another with `task-gateway key new {name}`"
                    source.note(("apps", name, "keys", index, field), problem)
                elif value:
                    first[value] = name


def _check_timeouts(source: Source, timeouts: config.Timeouts) -> None:
    """What is given to connecting can be no more than the whole attempt has; what is left out may be."""
    if timeouts.connect > timeouts.send > 0 and "connect" in source.keys("timeouts"):
        problem = f"longer than send, which is the deadline of a whole attempt; make it {timeouts.send:g} at most"
        source.note(("timeouts", "connect"), problem)


def _networks(source: Source, given: Sequence[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    networks = []
    for index, text in enumerate(given):
        try:
            networks.append(ip_network(text))
        except ValueError:
            source.note(("private_networks", index), "expected a network such as 10.20.0.0/16")
    return tuple(networks)


def _encryption(source: Source, keys: Sequence[config.EncryptionKey], *, production: bool) -> tuple[EncryptionKey, ...]:
    if production and not keys:
        source.note(("encryption", "keys"), f"in production expected one: {_KEY}")
    seen: set[str] = set()
    for index, key in enumerate(keys):
        spot = ("encryption", "keys", index)
        if key.id and key.id in seen:
            source.note((*spot, "id"), "taken by an earlier key; give each an id of its own")
        seen.add(key.id)
        if not _is_key(key.key):
            source.note((*spot, "key"), f"expected {_KEY}")
    return tuple(EncryptionKey(id=key.id, key=key.key) for key in keys)


def _retention(source: Source, shape: config.Retention) -> timedelta | None:
    return duration(source, ("retention", "payloads"), shape.payloads) if shape.payloads else None


def _is_key(secret: Secret) -> bool:
    try:
        return len(b64decode(secret.reveal(), validate=True)) == _KEY_BYTES
    except ValueError:
        return False
