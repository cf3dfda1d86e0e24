"""`task-gateway backup`, `restore`, `migrate` and `reseal`: keeping what is stored."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import rich_click as click
from msgspec import structs

from gateway.app import store_of
from gateway.cli.common import (
    asking,
    bar,
    columns,
    config_option,
    console,
    counted,
    errors,
    json_option,
    key_option,
    print_json,
    run,
    url_option,
    whole,
)
from gateway.clinics import load
from gateway.errors import Stopped
from gateway.files.access import user
from gateway.rules.clinic import Config
from gateway.settings import DATABASE
from gateway.store import postgres_copy
from gateway.store.audit import Act
from gateway.store.resealing import Resealed
from gateway.store.sqlite_copy import copy
from gateway.world import World
from schemas.private import Secret


@click.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def backup(*, directory: Path, file: Path, as_json: bool) -> None:
    """Copy the database to FILE, whole and consistent, beside a gateway at work. What is sealed stays sealed."""
    source = _sqlite(load(directory, os.environ))
    with bar("copying") as told:
        copy(source, file, told)
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "bytes": size})
    else:
        errors.print(f"{file}: {size} bytes", soft_wrap=True)


@click.command()
@config_option
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
def restore(*, directory: Path, file: Path | None, as_json: bool) -> None:
    """Put the database back from FILE, and hold all that is open: it may have been sent since.

    There must be no database yet where the configuration wants it. Every connection with unsent deliveries is paused;
    cancel what was sent since the backup, then resume each connection.

    PostgreSQL has tools of its own: after `pg_restore`, and before any gateway is started, run this without FILE.
    """
    config = load(directory, os.environ)
    target = _file(config.database)
    if (target is None) != (file is None):
        raise Stopped("expected FILE for SQLite, and none for PostgreSQL, which `pg_restore` has put back before")
    paused = _put_back(file, target, config) if target and file else run(_begin_epoch(config, "pg_restore"))
    if as_json:
        print_json({"database": str(target or "postgresql"), "paused": paused})
    else:
        held = f"{counted(paused, 'connection')} paused until resumed, in the console or by the API"
        errors.print(f"{target or 'database'}: restored; {held}", soft_wrap=True)


def _put_back(file: Path, target: Path, config: Config) -> int:
    """Restore a SQLite file; it has its name once all that is open is held, and not before."""
    for there in (target.with_name(target.name + what) for what in ("", "-wal", "-journal")):
        if there.exists():  # a log that was left behind would be written into the database that comes
            raise Stopped(f"{there}: File exists")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.") as place:
        half = Path(place, target.name)
        with bar("copying") as told:
            copy(file, half, told)
        at_work = structs.replace(config, database=f"sqlite:///{half}")
        paused = run(_begin_epoch(at_work, f"put back from {file.name}"))
        half.rename(target)
    return paused


async def _begin_epoch(config: Config, reason: str) -> int:
    store = store_of(config, World())
    act = Act(app="command line", key_id=user(), action="restore", about="database", reason=reason)
    await store.open()
    try:
        return await store.begin_epoch(World().now(), act)
    finally:
        await store.close()


def _sqlite(config: Config) -> Path:
    """The database's file. Raises Stopped for a database that is none: that has tools of its own."""
    file = _file(config.database)
    if file is None:
        raise Stopped("backup is for SQLite", "PostgreSQL: pg_dump, and after pg_restore `task-gateway restore`")
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
        raise Stopped("from SQLite to PostgreSQL alone", "--from sqlite:///PATH --to postgresql://...")
    with bar("copying and proving") as told:
        copied = postgres_copy.copy(file, target, told)
    if as_json:
        print_json({"tables": copied})
        return
    table = columns(whole("table"), "rows", "sha256")
    for each in copied:
        table.add_row(each.table, str(each.rows), each.sha256)
    console().print(table)
    rows = counted(sum(each.rows for each in copied), "row")
    errors.print(f"{rows} copied, and found there again; do not serve {file} any more", soft_wrap=True)


@click.command()
@click.option("--reason", help="Why: it is kept in the audit trail.")
@url_option
@key_option
@json_option
def reseal(*, reason: str | None, url: str, key: Secret, as_json: bool) -> None:
    """Seal everything stored with the first encryption key, while the gateway runs; role admin.

    Put a new key first in gateway.yaml, reload, run this, and the older key may go if nothing is left unreadable.
    """
    done = run(_resealed(url, key, reason))
    if as_json:
        print_json({"resealed": done.resealed, "unreadable": done.unreadable})
    else:
        errors.print(f"{done.resealed} sealed anew, {done.unreadable} that no key opens", soft_wrap=True)


async def _resealed(url: str, key: Secret, reason: str | None) -> Resealed:
    whole = Resealed(resealed=0, unreadable=0, next_cursor=None)
    async with asking(url, key) as gateway:
        while True:
            page = await gateway.post("/v1/admin/reseal", {"cursor": whole.next_cursor, "reason": reason}, Resealed)
            whole = structs.replace(
                page, resealed=whole.resealed + page.resealed, unreadable=whole.unreadable + page.unreadable
            )
            if page.next_cursor is None:
                return whole
