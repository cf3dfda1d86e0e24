"""`task-gateway backup`, `restore`, `migrate` and `reseal`: keeping what is stored."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import rich_click as click
from msgspec import structs
from rich.table import Table

from gateway.app import store_of
from gateway.cli.common import (
    bar,
    config_option,
    console,
    counted,
    errors,
    json_option,
    key_option,
    run,
    url_option,
)
from gateway.client import AsyncClient
from gateway.clinics import load
from gateway.errors import Stopped
from gateway.rules.clinic import Config
from gateway.settings import DATABASE
from gateway.store import postgres_copy
from gateway.store.resealing import Resealed
from gateway.store.sqlite_copy import copy
from gateway.world import World
from schemas.private import Secret


@click.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(directory: Path, file: Path) -> None:
    """Copy the database to FILE, whole and consistent, beside a gateway at work. What is sealed stays sealed."""
    source = _sqlite(load(directory, os.environ))
    with bar("copying") as told:
        copy(source, file, told)
    errors.print(f"{file}: {file.stat().st_size} bytes", soft_wrap=True)


@click.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def restore(directory: Path, file: Path) -> None:
    """Put the database back from FILE, and hold all that is open: it may have been sent since.

    There must be no database yet where the configuration wants it. Every connection with unsent deliveries is paused;
    cancel what was sent since the backup, then resume each connection.
    """
    config = load(directory, os.environ)
    target = _sqlite(config)
    target.parent.mkdir(parents=True, exist_ok=True)
    with bar("copying") as told:
        copy(file, target, told)
    paused = run(_begin_epoch(config))
    errors.print(f"{target}: restored; {paused} connections are paused until they are resumed", soft_wrap=True)


async def _begin_epoch(config: Config) -> int:
    store = store_of(config, World())
    await store.open()
    try:
        return await store.begin_epoch(World().now())
    finally:
        await store.close()


def _sqlite(config: Config) -> Path:
    """The database's file. Raises Stopped for a database that is none: those have tools of their own."""
    file = _file(config.database)
    if file is None:
        raise Stopped("backup and restore are for SQLite; use pg_dump and pg_restore, then see docs on restoring")
    return file


def _file(database: str) -> Path | None:
    """The file of a SQLite database."""
    scheme, _, rest = database.partition("://")
    return Path(rest.removeprefix("/")) if scheme == "sqlite" and rest.startswith("/") else None


@click.command()
@click.option("--from", "source", required=True, help="The database to copy, sqlite:///PATH; it stays as it is.")
@click.option(
    "--to", "target", required=True, envvar=DATABASE, show_envvar=True,
    help="An empty database, postgresql://...; a password is better kept in the environment.",
)  # fmt: skip
@json_option
def migrate(*, source: str, target: str, as_json: bool) -> None:
    """Copy all that a SQLite database holds to PostgreSQL, while no gateway runs; what is sealed stays sealed.

    Each table's rows are counted and hashed as they are read, and again as PostgreSQL gives them back; it is all or
    nothing. From then on start gateways on PostgreSQL alone: one on the old file would send what is open once more.

    Exit code 1: nothing was copied, and why.
    """
    file = _file(source)
    if file is None or not target.startswith(("postgresql://", "postgres://")):
        raise Stopped("expected --from sqlite:///PATH and --to postgresql://...")
    with bar("copying and proving") as told:
        copied = postgres_copy.copy(file, target, told)
    if as_json:
        click.echo(msgspec.json.encode({"tables": copied}).decode())
        return
    table = Table("table", "rows", "sha256", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for each in copied:
        table.add_row(each.table, str(each.rows), each.sha256)
    console().print(table)
    rows = counted(sum(each.rows for each in copied), "row")
    errors.print(f"{rows} copied, and found there again; do not serve {file} any more", soft_wrap=True)


@click.command()
@url_option
@key_option
def reseal(url: str, key: Secret) -> None:
    """Seal everything stored with the first encryption key, while the gateway runs; role admin.

    Put a new key first in gateway.yaml, reload, run this, and the older key may go if nothing is left unreadable.
    """
    done = run(_resealed(url, key))
    errors.print(f"{done.resealed} sealed anew, {done.unreadable} that no key opens", soft_wrap=True)


async def _resealed(url: str, key: Secret) -> Resealed:
    whole = Resealed(resealed=0, unreadable=0, next_cursor=None)
    async with AsyncClient(url, key) as gateway:
        while True:
            page = await gateway.post("/v1/admin/reseal", {"cursor": whole.next_cursor}, Resealed)
            whole = structs.replace(
                page, resealed=whole.resealed + page.resealed, unreadable=whole.unreadable + page.unreadable
            )
            if page.next_cursor is None:
                return whole
