"""The demo: sandbox vendors and gateway on the shipped configuration, and one of everything sent through them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table

from gateway.app import build
from gateway.client import AsyncClient, ProblemError
from gateway.rules.clinic import Clinic, Config
from gateway.sandbox import serve as serve_sandbox
from gateway.stand_ins import at_sandbox, settings_for
from gateway.web.serving import serving
from schemas.command import AddNote, CreateClaim, CreateTask, Patient
from schemas.delivery import Delivery
from schemas.private import Secret

KEY = Secret("tgk_intake_sandbox-key-not-for-production")
_OPERATORS = "tgk_operator_sandbox-key-not-for-production"
_PATIENCE = 30.0
_WIDE = 116
_COLOURS = {"delivered": "green", "rejected": "red", "failed": "red", "unknown": "yellow"}


class Row(Struct, kw_only=True):
    """One line of the table: what was sent where, and what is known of it."""

    clinic: str
    what: str
    delivery: Delivery | None = None
    problem: str | None = None
    begun: float
    took: float | None = None

    def over(self) -> bool:
        """Whether nothing more will change."""
        return self.problem is not None or (self.delivery is not None and self.delivery.final)

    def time(self) -> None:
        """Stop the clock if it is over."""
        self.took = monotonic() - self.begun if self.over() else None


@contextlib.asynccontextmanager
async def both_up(config: Config, read: Callable[[], Config], port: int, port_base: int) -> AsyncIterator[str]:
    """The sandbox and the gateway, serving; gives the gateway's URL. A reload takes what `read` gives."""
    url = f"http://127.0.0.1:{port}"
    settings = settings_for(config, url, completion_delay=1.0)
    sandbox = asyncio.create_task(serve_sandbox("127.0.0.1", port_base, settings))
    try:
        await asyncio.sleep(0.2)
        if sandbox.done():
            await sandbox
        async with serving(build(config, read=read), "127.0.0.1", port):
            yield url
    finally:
        sandbox.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sandbox


def _task(clinic: Clinic) -> CreateTask:
    """One and the same task for every clinic, for somebody who works there; each vendor gets it in its own words."""
    somebody = "dr-wilson" if "dr-wilson" in clinic.people else next(iter(clinic.people), None)
    return CreateTask(
        clinic_id=clinic.id,
        title="Follow-up appointment needed",
        description="Schedule a follow-up appointment to review the recent lab results.",
        patient=Patient(mrn="MRN-12345"),
        assignees=[somebody] if somebody else None,
        due_at=datetime.now(UTC).replace(microsecond=0) + timedelta(days=3),
        priority="high",
        type="follow-up",
        encounter_note_id="nte_3cc73cb69c59403ca9108af6c5693b25",
        reference="demo",
    )


async def _send(client: AsyncClient, row: Row, command: CreateTask | AddNote | CreateClaim, key: str) -> None:
    submit: Any = {
        CreateTask: client.create_task,
        AddNote: client.add_note,
        CreateClaim: client.create_claim,
    }[type(command)]
    try:
        row.delivery = await submit(command, idempotency_key=key)
    except ProblemError as error:
        named = "; ".join(f"{each.pointer or each.code}: {each.detail}" for each in error.problem.errors)
        row.problem = named or error.problem.detail
    row.time()


async def _story(client: AsyncClient, config: Config, rows: list[Row]) -> None:
    """A task to each clinic; then a note on the first Cobalt task, and a claim; then wait for all of it."""
    run = f"{datetime.now(UTC):%H%M%S%f}"
    for clinic in config.clinics.values():
        row = Row(clinic=clinic.id, what="task", begun=monotonic())
        rows.append(row)
        await _send(client, row, _task(clinic), f"demo-{run}-{clinic.id}")
    parent = next((row for row in rows if _has_notes(row, config)), None)
    if parent is not None:
        note = AddNote(
            task_id=parent.delivery.id if parent.delivery else None, text="Patient called back, prefers mornings."
        )
        claim = CreateClaim(clinic_id=parent.clinic, appointment_id=f"a1b2c3d4e5f6{run}")
        for what, command in (("note on it", note), ("claim", claim)):
            row = Row(clinic=parent.clinic, what=what, begun=monotonic())
            rows.append(row)
            await _send(client, row, command, f"demo-{run}-{what.partition(' ')[0]}")
    deadline = monotonic() + _PATIENCE
    while monotonic() < deadline and not all(row.over() for row in rows):
        await asyncio.sleep(0.2)
        for row in rows:
            if not row.over() and row.delivery is not None:
                row.delivery = await client.get(row.delivery.id)
                row.time()


def _has_notes(row: Row, config: Config) -> bool:
    """Whether the row's connection offers claims too: the EMR that the demo shows most of."""
    if row.delivery is None:
        return False
    rules = config.clinics[row.clinic].connections[row.delivery.route.connection].rules
    return "create_claim" in rules and rules["create_claim"].support.supported


def _table(rows: Sequence[Row], width: int) -> Table:
    """The rows so far; the ids only where there is room, since what became of each is what matters."""
    table = Table(title="What went where, and what came back", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("clinic", "command", "through"):
        table.add_column(heading, no_wrap=True)
    table.add_column("state", overflow="fold")
    table.add_column("s", justify="right", no_wrap=True)
    if width >= _WIDE:
        table.add_column("its id there", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row)[: len(table.columns)])
    return table


def _cells(row: Row) -> tuple[str, ...]:
    delivery = row.delivery
    seconds = f"{row.took:.1f}" if row.took is not None else "..."
    if delivery is None:
        return row.clinic, row.what, "", f"[red]{row.problem or '...'}[/]", seconds, ""
    through = delivery.route.adapter + (f" ({delivery.route.emr})" if delivery.route.emr else "")
    state = f"[{_COLOURS.get(delivery.state, 'cyan')}]{delivery.state}[/]"
    waits = f", waits for its {delivery.waiting_for}" if delivery.waiting_for else ""
    why = f": {delivery.problem.detail}" if delivery.problem else ""
    there = delivery.vendor.emr_id or delivery.vendor.id or ""
    return row.clinic, row.what, through, state + waits + why, seconds, there


async def demo(read: Callable[[], Config], *, port: int, port_base: int, once: bool, console: Console) -> bool:
    """Run the demo of what `read` gives; whether everything it sent was delivered.

    Without `once`, stays up until it is interrupted; a reload reads anew. Raises ConfigErrors, and CancelledError on
    SIGTERM: its database goes however it is ended.
    """
    if own := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, own.cancel)
    with TemporaryDirectory(prefix="task-gateway-demo-") as directory:
        database = f"sqlite:///{Path(directory) / 'demo.db'}"

        def read_at_sandbox() -> Config:
            return at_sandbox(read(), port_base, database)

        ours = read_at_sandbox()
        async with both_up(ours, read_at_sandbox, port, port_base) as url, AsyncClient(url, KEY) as client:
            rows: list[Row] = []
            with Live(console=console, refresh_per_second=8, get_renderable=lambda: _table(rows, console.width)):
                await _story(client, ours, rows)
            delivered = all(row.delivery is not None and row.delivery.state == "delivered" for row in rows)
            said = f"All {len(rows)} commands delivered." if delivered else "Not everything was delivered."
            console.print(f"\n[{'green' if delivered else 'red'}]{said}[/]")
            if not once:
                _what_next(console, url, port_base, rows)
                await asyncio.Event().wait()
            return delivered


def _what_next(console: Console, url: str, port_base: int, rows: Sequence[Row]) -> None:
    first = next((row.delivery.id for row in rows if row.delivery), "")
    console.print(
        f"\nThe gateway stays up at {url}; end it with Ctrl-C. Try next:\n\n"
        f"  {url}/docs/getting-started   what to try, step by step\n"
        f"  {url}/console   who runs it works here; the key is {_OPERATORS}\n"
        f"  {url}/schema   the API, described\n"
        f"  curl -H 'Authorization: Bearer {KEY.reveal()}' {url}/v1/tasks\n"
        f"  curl -H 'Authorization: Bearer {KEY.reveal()}' {url}/v1/tasks/{first}/timeline\n"
        f"  curl http://127.0.0.1:{port_base + 1}/_sandbox/requests   what the Cobalt stand-in received\n",
        soft_wrap=True,
        highlight=False,
    )
