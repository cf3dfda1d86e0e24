"""`task-gateway deliveries` and `events`: what became of commands."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import get_args
from urllib.parse import urlencode

import msgspec
import rich_click as click
from msgspec import UNSET, structs

from gateway.cli.common import (
    asking,
    columns,
    console,
    errors,
    json_option,
    key_option,
    print_json,
    run,
    url_option,
    whole,
)
from gateway.client import AsyncClient, TryLater, Unreachable
from gateway.client.stories import path_of
from gateway.web.replies import Deliveries, Timeline
from schemas.command import Kind
from schemas.delivery import Delivery, State
from schemas.event import Event
from schemas.private import Secret
from schemas.problem import problem

_WIDE = 116
"""Columns from which there is room for the ids that others give."""


@click.command()
@click.argument("delivery_id", required=False)
@click.option("--clinic", "clinic_id", help="Only this clinic's.")
@click.option("--state", type=click.Choice(get_args(State)), help="Only those in this state.")
@click.option("--kind", type=click.Choice(get_args(Kind)), help="Only tasks, notes or claims.")
@click.option("--needs-person", is_flag=True, help="Only those that wait for a person.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
@json_option
@url_option
@key_option
def deliveries(*, delivery_id: str | None, limit: int, as_json: bool, url: str, key: Secret, **asked: object) -> None:
    """The newest deliveries, or one with its timeline; without commands and vendors' words, which hold patient text."""
    if delivery_id:
        one, timeline = run(_one(delivery_id, url, key))
        _show_one(one, timeline, as_json=as_json)
        return
    wanted = {name: str(value).lower() for name, value in asked.items() if value}
    found = run(_list({**wanted, "limit": str(limit)}, url, key))
    if as_json:
        print_json(structs.replace(found, items=list(map(_bare, found.items))))
        return
    _show_all(found)


def _show_all(found: Deliveries) -> None:
    """A line for each; what it is called elsewhere only where there is room."""
    out = console()
    table = columns(
        whole("id"), whole("state"), "clinic", "updated", *(["reference", "vendor's id"] * (out.width >= _WIDE))
    )
    for each in found.items:
        state = f"{each.state} ({each.waiting_for})" if each.waiting_for else each.state
        flags = "".join(f", {name}" for name in ("overdue", "conflict") if getattr(each, name))
        elsewhere = (each.reference or "", each.vendor.emr_id or each.vendor.id or "")
        row = (each.id, state + flags, each.clinic_id, f"{each.updated_at:%F %T}", *elsewhere)
        table.add_row(*row[: len(table.columns)])
    out.print(table)


def _bare(one: Delivery) -> Delivery:
    """The delivery as it may stand on a terminal, and in what terminals are copied to."""
    return structs.replace(one, command=UNSET, problem=problem(one.problem.code) if one.problem else None)


async def _list(wanted: Mapping[str, str], url: str, key: Secret) -> Deliveries:
    async with asking(url, key) as client:
        return await client.read(f"/v1/deliveries?{urlencode(wanted)}", Deliveries)


async def _one(delivery_id: str, url: str, key: Secret) -> tuple[Delivery, Timeline]:
    async with asking(url, key) as client:
        path = path_of(delivery_id)
        return await client.get(delivery_id), await client.read(f"{path}/timeline", Timeline)


def _show_one(one: Delivery, timeline: Timeline, *, as_json: bool) -> None:
    if as_json:
        print_json({"delivery": _bare(one), "timeline": timeline.items})
        return
    out = console()
    out.print(f"{one.id}  {one.state}  {one.clinic_id}/{one.route.connection}  ({one.route.adapter})", soft_wrap=True)
    if one.problem:
        out.print(f"{one.problem.code}: {one.problem.title}", soft_wrap=True)
    table = columns(whole("at"), whole("what"), "facts")
    for line in timeline.items:
        facts = "  ".join(f"{name}={value}" for name, value in line.facts.items() if value not in (None, {}, ""))
        table.add_row(f"{line.at:%F %T.%f}"[:-3], line.what, facts)
    out.print(table)


@click.command()
@click.option("--after", help="Go on after this event; left out: from the first one.")
@click.option("--follow", is_flag=True, help="And those to come, until interrupted.")
@json_option
@url_option
@key_option
def events(*, after: str | None, follow: bool, as_json: bool, url: str, key: Secret) -> None:
    """The feed of events, oldest first, a line each; the last one's id is where to go on."""
    with suppress(KeyboardInterrupt):
        run(_events(after, url, key, follow=follow, as_json=as_json))


async def _events(after: str | None, url: str, key: Secret, *, follow: bool, as_json: bool) -> None:
    """Raises Unreachable and TryLater, unless the feed is followed: then the gateway is waited for."""
    async with AsyncClient(url, key, waits_for_gateway=follow) as client:
        while True:
            try:
                async for event in client.events(after, follow=follow):
                    click.echo(msgspec.json.encode(event).decode() if as_json else _line(event))
                    after = event.id
            except (Unreachable, TryLater) as away:
                if not follow:
                    raise
                errors.print(f"{away}; trying again", style="yellow", soft_wrap=True)
            else:
                return


def _line(event: Event) -> str:
    about = event.data.get("id") or event.data.get("connection") or event.data.get("field") or ""
    return f"{event.at:%F %T}  {event.id}  {event.type:<22} {event.clinic_id}  {about}"
