"""`task-gateway send` and `explain`: commands from files."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
from msgspec import Struct
from rich.table import Column

from gateway.cli.common import (
    INTERRUPTED,
    asking,
    columns,
    console,
    errors,
    json_option,
    key_option,
    print_json,
    progress,
    run,
    url_option,
    whole,
)
from gateway.client import AsyncClient, NotAllowed, ProblemError, Rejected, TryLater, Unreachable
from gateway.errors import Stopped
from gateway.files.commands import Written, commands_in, count_in
from schemas.command import NAMING, AddNote, CreateClaim, CreateTask
from schemas.delivery import Delivery, Explanation
from schemas.private import Secret
from schemas.problem import Problem

_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
_TOLD = 20
"""So many commands that ended badly are told one by one."""


class Ended(Struct, frozen=True, kw_only=True):
    """What became of one command of the file."""

    line: int
    state: str
    delivery_id: str | None = None
    why: str | None = None

    @property
    def sound(self) -> bool:
        """Whether it is on its way, or there."""
        return self.why is None


@click.command()
@_FILE
@click.option("--concurrency", type=click.IntRange(1, 64), default=8, show_default=True, help="So many at a time.")
@click.option("--wait", is_flag=True, help="Wait until each is final, at most a minute.")
@click.option("--run", "name", default="", help="Send the same file as new commands: another name, other keys.")
@json_option
@url_option
@key_option
def send(*, file: Path, concurrency: int, wait: bool, name: str, as_json: bool, url: str, key: Secret) -> None:
    """Send the commands of FILE: one as JSON or YAML, or many as JSON Lines.

    Each has a key made of its own words, so the same file may be sent again after an interruption: what was taken is
    not taken twice. Exit code 1: something was refused, or ended badly, or not everything could be sent.
    """
    total = count_in(file)  # a file that cannot be read is told before anything is sent
    counts: Counter[str] = Counter()
    bad: list[Ended] = []
    stopped = ""
    with progress(f"sending {file.name}", total) as told:

        def ended(one: Ended) -> None:
            counts[one.state] += 1
            if not one.sound:
                bad.append(one)
            if as_json:
                print_json(one)
            told()

        try:
            run(_Sending(url, key, wait=wait, ended=ended).all(_keyed(commands_in(file), name), concurrency))
        except (Unreachable, NotAllowed, TryLater) as error:
            stopped = str(error)
        except KeyboardInterrupt:
            stopped = "interrupted"
    if not as_json:
        _summary(counts, bad)
    if stopped:
        errors.print(f"{stopped}; {counts.total()} of {total} were sent", style="red", soft_wrap=True)
        errors.print("send the same file again for the rest: what was taken is not taken twice")
    sys.exit(INTERRUPTED if stopped == "interrupted" else 1 if bad or stopped else 0)


class _Sending:
    """Sends one command after the other, several at a time."""

    def __init__(self, url: str, key: Secret, *, wait: bool, ended: Any) -> None:
        self._url, self._key, self._wait, self._ended = url, key, wait, ended

    async def all(self, commands: Iterator[tuple[Written, str]], concurrency: int) -> None:
        """Every command, unless none can be sent any more. Raises Unreachable, NotAllowed and TryLater then.

        A gateway that is there at first is waited for when it is gone later.
        """
        async with asking(self._url, self._key) as client:
            await client.read("/health/live", dict[str, str])
        async with AsyncClient(self._url, self._key) as client:
            lanes = [asyncio.create_task(self._one_by_one(client, commands)) for _ in range(concurrency)]
            try:
                await asyncio.gather(*lanes)
            finally:
                for lane in lanes:
                    lane.cancel()
                await asyncio.gather(*lanes, return_exceptions=True)

    async def _one_by_one(self, client: AsyncClient, commands: Iterator[tuple[Written, str]]) -> None:
        for written, key in commands:
            self._ended(await self._sent(client, written, key))

    async def _sent(self, client: AsyncClient, written: Written, key: str) -> Ended:
        try:
            delivery = await _taken(client, written, key)
            if self._wait and not delivery.final:
                delivery = await client.wait(delivery.id)
        except Rejected as rejected:
            stored = msgspec.convert(rejected.problem.delivery, Delivery)
            return _bad(written, stored.state, rejected.problem, stored.id)
        except (NotAllowed, TryLater):
            raise
        except ProblemError as refused:
            return _bad(written, "refused", refused.problem)
        why = delivery.problem.title if delivery.problem and delivery.safe_to_resend else None
        return Ended(line=written.line, state=delivery.state, delivery_id=delivery.id, why=why)


async def _taken(client: AsyncClient, written: Written, key: str) -> Delivery:
    """The command's delivery, as soon as the app's limit lets it through."""
    path = f"/v1/{NAMING[kind_of(written.posted)].plural}"
    while True:
        try:
            return await client.submit(path, written.posted, idempotency_key=key)
        except TryLater as later:
            if later.problem.code != "rate-limited":
                raise


def _bad(written: Written, state: str, problem: Problem, delivery_id: str | None = None) -> Ended:
    named = "; ".join(f"{error.pointer or error.code}: {error.detail or error.code}" for error in problem.errors)
    why = f"{problem.code}: {named}" if named else f"{problem.code}: {problem.title}"
    return Ended(line=written.line, state=state, delivery_id=delivery_id, why=why)


def kind_of(posted: Mapping[str, Any]) -> type[CreateTask | AddNote | CreateClaim]:
    """Which command a file's fields are: a claim names an appointment, a note has a text."""
    if "appointment_id" in posted:
        return CreateClaim
    return AddNote if "text" in posted else CreateTask


def _keyed(commands: Iterator[Written], name: str) -> Iterator[tuple[Written, str]]:
    """Each with a key that is the same whenever the file is sent; equal commands are told apart by their number."""
    seen: Counter[bytes] = Counter()
    for written in commands:
        words = sha256(msgspec.json.encode(written.posted, order="deterministic")).digest()
        seen[words] += 1
        yield written, sha256(words + f"{seen[words]}:{name}".encode()).hexdigest()


def _summary(counts: Counter[str], bad: list[Ended]) -> None:
    table = columns(whole("state"), Column("commands", justify="right"))
    for state, count in counts.most_common():
        table.add_row(state, str(count))
    console().print(table)
    for one in islice(sorted(bad, key=lambda each: each.line), _TOLD):
        errors.print(f"line {one.line}: {one.why}", style="red", soft_wrap=True)
    if len(bad) > _TOLD:
        errors.print(f"... and {len(bad) - _TOLD} more; --json tells each")


@click.command()
@_FILE
@json_option
@url_option
@key_option
def explain(*, file: Path, as_json: bool, url: str, key: Secret) -> None:
    """What sending the command in FILE would do: nothing is sent. Exit code 1: it would be refused."""
    written = next(commands_in(file), None)
    if written is None:
        raise Stopped(
            f"{file}: there is no command in it", "{clinic_id: ..., description: ...} is one, as JSON or YAML"
        )
    told = run(_explained(written.posted, url, key))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        _show(told)
    sys.exit(1 if told.would == "refuse" else 0)


async def _explained(posted: Mapping[str, Any], url: str, key: Secret) -> Explanation:
    async with asking(url, key) as client:
        return await client.post(f"/v1/{NAMING[kind_of(posted)].plural}/explain", posted, Explanation)


def _show(told: Explanation) -> None:
    out = console()
    route = told.route or {}
    way = "  ".join(f"{name}={value}" for name, value in route.items() if value)
    waits = f", waiting for its {told.waiting_for}" if told.waiting_for else ""
    out.print(f"would {told.would}{waits}  {way}".rstrip(), soft_wrap=True)
    for problem in told.problems:
        source = f" [{problem.source}]" if problem.source else ""
        errors.print(f"{problem.pointer or problem.code}: {problem.detail}{source}", style="red", soft_wrap=True)
    if told.mapping:
        table = columns(whole("field"), whole("fate"), whole("as"))
        for entry in told.mapping:
            table.add_row(entry.field, entry.fate, entry.place or "")
        out.print(table)
    if told.request:
        out.print(msgspec.json.format(msgspec.json.encode(told.request)).decode(), soft_wrap=True)
