"""Looking an installation over: every part is asked, nothing is changed, and the rules say what the answers mean."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from zoneinfo import available_timezones

from msgspec import Struct

from adapters.base import HttpRequest
from gateway.files.access import access, umask, user
from gateway.flows.probe import probe
from gateway.flows.tokens import unmarked
from gateway.rules import checking, diagnosis, store_diagnosis
from gateway.rules.clinic import Config
from gateway.rules.diagnosis import Answer, Diagnosis
from gateway.rules.probing import ahead
from gateway.store.base import Store, StoreUnavailable
from gateway.store.sqlite import RESERVE
from gateway.store.sqlite_condition import condition, free
from gateway.transport import Wire
from gateway.world import World
from schemas.private import Secret

_BESIDE = ("", "-wal", "-shm", ".lock")


class Running(Struct, frozen=True, kw_only=True):
    """Where a gateway runs, and a key to ask it with."""

    url: str
    key: Secret | None = None


def files(directory: Path, config: Config) -> Iterator[Diagnosis]:
    """Who may do what with the configuration, the adapters and a database's files; and the disk below these."""
    adapters = [Path(inspect.getfile(type(account.adapter))) for account in config.accounts.values()]
    configured = {directory, *directory.rglob("*"), *adapters, *(file.parent for file in adapters)}
    database = _file(config)
    stored = [database.parent, *(database.with_name(database.name + end) for end in _BESIDE)] if database else []
    try:
        yield from diagnosis.of_permissions(access(sorted(configured)), access(stored), user(), umask())
        if database is not None:
            yield store_diagnosis.of_room(str(database.parent), free(database.parent), RESERVE)
    except OSError as fault:
        yield diagnosis.of_no_way_in(str(fault.filename), str(fault.strerror), user())


async def stored(store: Store, config: Config) -> list[Diagnosis]:
    """What is in the database, by reading alone: whether it is sound, its seals, and the audit trail."""
    file = _file(config)
    found: list[Diagnosis] = []
    try:
        if file is not None and not access([file]):
            return [diagnosis.ok("database", f"{file}: not there yet; the first start of the gateway makes it")]
        await store.open(read_only=True)
    except OSError as fault:
        return [store_diagnosis.of_unreadable(f"{fault.filename}: {fault.strerror}")]
    except StoreUnavailable as fault:
        return [store_diagnosis.of_unreadable(str(fault))]
    try:
        if file is not None:
            seen = await store.read(partial(condition, path=file))
            found += store_diagnosis.of_condition(str(file), seen)
        found += store_diagnosis.of_sealing(await store.sealing(), store.vault.key_ids)
        trail = await store.verify_audit()
        found += store_diagnosis.of_audit(trail.rows, trail.faults)
    except StoreUnavailable as fault:
        found.append(store_diagnosis.of_unreadable(str(fault)))
    finally:
        await store.close()
    return found


def _file(config: Config) -> Path | None:
    """The file that the database is; None for one that is a server's."""
    scheme, _, rest = config.database.partition("://")
    return Path(rest.removeprefix("/")).absolute() if scheme == "sqlite" else None


async def vendors(
    config: Config, wire: Wire, world: World, told: Callable[[], None]
) -> tuple[list[Diagnosis], Mapping[str, float]]:
    """Every connection, with a harmless read; and how far each vendor's clock is ahead of ours."""
    probes = await probe(config, wire, world, told)
    found = [diagnosis.of_probe(f"{each.clinic_id}/{each.connection}", each.status, each.detail) for each in probes]
    return found, {each.account: each.ahead for each in probes if each.ahead is not None}


async def gateway(running: Running, wire: Wire, world: World) -> tuple[list[Diagnosis], Mapping[str, float]]:
    """A running gateway: whether it lives, takes commands and knows the key; and how far its clock is ahead of ours."""
    paths = ("/health/live", "/health/ready", *(["/v1/me"] if running.key else []))
    bearer = {"authorization": f"Bearer {running.key.reveal()}"} if running.key else {}
    answers, skews = [], {}
    for path in paths:
        request = HttpRequest(method="GET", url=f"{running.url}{path}", headers=bearer if path == "/v1/me" else {})
        exchange = await wire.exchange(request, unmarked, reuse=True)
        answers.append(Answer(path=path, status=exchange.response.status if exchange.response else None))
        off = ahead(exchange.response.headers, world.now()) if exchange.response else None
        if off is not None:
            skews["the gateway"] = off
    return list(diagnosis.of_gateway(running.url, answers)), skews


def configuration(config: Config, refused: Sequence[str], world: World) -> Iterator[Diagnosis]:
    """What a configuration holds that will surprise, and what of it production would refuse."""
    yield from diagnosis.of_report(checking.check(config, world.now()))
    yield from diagnosis.of_production(is_production=config.mode == "production", refused=refused)


def clock(ahead: Mapping[str, float]) -> Iterator[Diagnosis]:
    """Our clock against others, and the timezones."""
    yield diagnosis.of_clock(ahead)
    yield diagnosis.of_zones(len(available_timezones()))
