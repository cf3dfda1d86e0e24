"""What `mode: production` asks of gateway.yaml as a whole, beside what it asks of each URL and secret.

What is surely unsafe is a mistake and stops the start; what is unsafe in most places is a warning.
"""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from gateway.files.source import Source
from gateway.rules import published
from gateway.rules.guessing import SHORTEST, guessable, plain
from schemas import config

LOG_LEVEL = "TASK_GATEWAY_LOG_LEVEL"
_PASSING = tuple(map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/run")))  # noqa: S108 - to warn of them
"""Where files are gone after a restart, or when nobody has touched them for some days."""

_SHARED = IPv4Network("100.64.0.0/10")
"""Carriers' and clouds' own, which Python does not call private."""


def check_production(source: Source, file: config.GatewayFile, database: str, environ: Mapping[str, str]) -> None:
    """Note what production refuses, and warn of what it allows but hardly ever means."""
    _log_level(source, environ)
    _keys(source, file.apps)
    _tokens(source, file.accounts)
    _encryption(source, file.encryption.keys)
    _database(source, database, environ)
    _networks(source, file.private_networks)
    _powers(source, file.apps)


def _log_level(source: Source, environ: Mapping[str, str]) -> None:
    level = environ.get(LOG_LEVEL, "").upper()
    if logging.getLevelNamesMapping().get(level, logging.INFO) < logging.INFO:
        source.note(("mode",), f"{LOG_LEVEL} is {level}; in production expected INFO, or a graver one")


def _keys(source: Source, apps: Mapping[str, config.App]) -> None:
    for name, app in apps.items():
        for index, key in enumerate(app.keys):
            if key.sha256 in published.KEYS:
                problem = f"a published key; make one with `task-gateway key new {name}`"
                source.note(("apps", name, "keys", index), problem)


def _tokens(source: Source, accounts: Mapping[str, config.Account]) -> None:
    """Where a vendor does not sign, the token is all that tells its webhooks from anybody's."""
    for name, account in accounts.items():
        names = (name, account.adapter, *name.split("-"))
        if account.webhook is not None and guessable(account.webhook.token.reveal(), names):
            problem = f"short or easily guessed; expected {SHORTEST} random characters or more: `openssl rand -hex 32`"
            source.note(("accounts", name, "webhook", "token"), problem)


def _encryption(source: Source, keys: Sequence[config.EncryptionKey]) -> None:
    for index, key in enumerate(keys):
        try:
            weak = plain(b64decode(key.key.reveal(), validate=True))
        except ValueError:
            continue  # noted as no key at all
        if weak:
            source.note(("encryption", "keys", index, "key"), "not random; make one with `openssl rand -base64 32`")


def _database(source: Source, url: str, environ: Mapping[str, str]) -> None:
    scheme, _, rest = url.partition("://")
    path = Path(rest.removeprefix("/"))
    if scheme != "sqlite":
        _server(source, url, environ)
        return
    if not path.is_absolute():
        source.warn(("database",), "relative to where the gateway is started: elsewhere it would begin anew, empty")
    if any(path.absolute().is_relative_to(passing) for passing in _PASSING):
        source.warn(("database",), "a place for passing things: what was accepted would be lost with them")


def _server(source: Source, url: str, environ: Mapping[str, str]) -> None:
    parts = urlsplit(url)
    said = {**parse_qs(parts.query), **({"host": [parts.hostname]} if parts.hostname else {})}
    host, proved = said.get("host", ["/"])[0], said.get("sslmode", [environ.get("PGSSLMODE")])[0] == "verify-full"
    if not proved and not host.startswith("/") and host not in {"localhost", "127.0.0.1", "::1"}:
        source.warn(("database",), "no sslmode=verify-full: who is on the way reads and changes what is stored")


def _networks(source: Source, given: Sequence[str]) -> None:
    """A wider one would open the machine and the house to whoever owns a callback's name."""
    for index, text in enumerate(given):
        try:
            network = ip_network(text)
        except ValueError:
            continue  # noted as no network at all
        shared = isinstance(network, IPv4Network) and network.subnet_of(_SHARED)
        if not (network.is_private or shared):
            problem = "wider than private networks are; what is public is reached without being named"
            source.note(("private_networks", index), problem)


def _powers(source: Source, apps: Mapping[str, config.App]) -> None:
    for name, app in apps.items():
        if "*" in app.clinics and "admin" in app.roles:
            warning = "all clinics and the role admin: a key of it opens everything; give it to people, not to programs"
            source.warn(("apps", name), warning)
