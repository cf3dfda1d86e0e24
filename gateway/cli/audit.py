"""`task-gateway audit`: the trail of who did what, and the proof that nobody has changed it."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import rich_click as click
from msgspec import structs

from gateway.app import store_of
from gateway.cli.common import columns, config_option, console, counted, errors, json_option, print_json, run, whole
from gateway.clinics import load
from gateway.store.base import Store
from gateway.world import World

T = TypeVar("T")

_EVERY_CLINIC = frozenset({"*"})

database_option = click.option(
    "--database", help="Where the trail is, if not where the configuration says: a backup, say. It is only read."
)


@click.group()
def audit() -> None:
    """The audit trail: who did what, and why. Read from the database itself, beside a gateway at work."""


@audit.command()
@config_option
@database_option
@json_option
def verify(*, directory: Path, database: str | None, as_json: bool) -> None:
    """Read the whole trail, and say whether a row was changed, moved or removed.

    Exit code 1: one was. Whoever can write the database can also write a whole new trail: compare with a backup.
    """
    found = run(_read(directory, database, lambda store: store.verify_audit()))
    if as_json:
        print_json(found)
    else:
        for fault in found.faults:
            errors.print(fault, style="red", soft_wrap=True)
        console().print(f"{counted(found.rows, 'row')}, {counted(len(found.faults), 'fault')}")
    sys.exit(1 if found.faults else 0)


@audit.command("list")
@config_option
@database_option
@click.option("--before", type=click.IntRange(1), help="Only rows before this one.")
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@json_option
def list_(*, directory: Path, database: str | None, before: int | None, last: int, as_json: bool) -> None:
    """The newest rows, newest first."""
    found = run(_read(directory, database, lambda store: store.audit(_EVERY_CLINIC, before=before, limit=last)))
    if as_json:
        print_json(found)
        return
    table = columns("row", whole("at"), whole("app"), "key", whole("what"), whole("about"), "why")
    for entry in found:
        at = entry.at.isoformat(sep=" ", timespec="seconds")
        table.add_row(
            str(entry.seq), at, entry.app, entry.key_id, entry.action, entry.about, _on_one_line(entry.reason or "")
        )
    console().print(table)


def _on_one_line(text: str) -> str:
    """Somebody's text, without what a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


async def _read(directory: Path, database: str | None, job: Callable[[Store], Awaitable[T]]) -> T:
    """What `job` reads from the database, which nothing changes."""
    config = load(directory, os.environ)
    store = store_of(structs.replace(config, database=database) if database else config, World())
    await store.open(read_only=True)
    try:
        return await job(store)
    finally:
        await store.close()
