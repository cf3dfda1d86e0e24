"""Verdicts on what is stored: the database, its disk, its seals, and the audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from gateway.rules.diagnosis import Diagnosis, ok, problem, warning

_LONG_LOG = 256 * 1024 * 1024
_THOUSAND = 1000
_NARROW = 10
"""How many reserves of free disk are too few to be calm about."""


class Condition(Struct, frozen=True, kw_only=True):
    """How a database is doing: the version of its schema, how it keeps its journal, sizes in bytes, what is broken."""

    schema: int
    journal: str
    size: int
    log_size: int
    faults: tuple[str, ...]


class Sealing(Struct, frozen=True, kw_only=True):
    """How stored values are sealed: how many not at all, how many by each key, and keys that do not open their own."""

    plain: int
    sealed: Mapping[str, int]
    unopened: frozenset[str] = frozenset()


def of_condition(path: str, found: Condition) -> Iterator[Diagnosis]:
    """A database that could be read."""
    if found.faults:
        told = "; ".join(found.faults[:3])
        fix = "stop the gateway, keep a copy of the file, and `task-gateway restore` the newest backup"
        yield problem("database", f"{path}: damaged: {told}", fix)
    if found.journal != "wal":
        what = f"{path}: kept with {found.journal}, not with a log"
        yield warning("database", what, "a start of the gateway sets it")
    if found.log_size > _LONG_LOG:
        fix = "end what reads the database for hours (a shell, a copy); a restart of the gateway writes the log back"
        yield warning("database", f"{path}: its log has grown to {_size(found.log_size)}", fix)
    if not found.faults:
        sizes = f"{_size(found.size)} and a log of {_size(found.log_size)}"
        yield ok("database", f"{path}: schema {found.schema}, {sizes}, sound")


def of_unreadable(fault: str) -> Diagnosis:
    """A database that could not be read."""
    if "locked" in fault:
        return problem("database", fault, "end what else has it open (a shell, a copy, a backup tool)")
    if "malformed" in fault or "not a database" in fault:
        return problem("database", fault, "keep a copy of the file, and `task-gateway restore` the newest backup")
    return problem("database", fault, "see that the path and its permissions are right, and the program is no older")


def of_room(place: str, free: int, reserve: int) -> Diagnosis:
    """The disk below the database, in bytes."""
    told = f"{place}: {_size(free)} free"
    if free <= reserve:
        what = f"{told}; {_size(reserve)} are kept for results, so commands are refused"
        return problem("disk", what, "free some space, or move the database to a larger disk")
    if free < reserve * _NARROW:
        return warning("disk", f"{told}; commands are refused from {_size(reserve)} on", "free some space soon")
    return ok("disk", f"{told}, {_size(reserve)} of it kept for results")


def of_sealing(found: Sealing, keys: Sequence[str]) -> Iterator[Diagnosis]:
    """What is stored, under the keys that are configured, the one that writes first."""
    again = "`task-gateway reseal` seals it with the first key"
    if not keys:
        fix = "add encryption.keys, then `task-gateway reseal`"
        yield warning("encryption", f"there is no key: {_many(found.plain, 'value')} in plain", fix)
    elif found.plain:
        yield warning("encryption", f"{_many(found.plain, 'value')} in plain, from before there was a key", again)
    for key, count in found.sealed.items():
        if key not in keys:
            fix = f"put {key} back behind the first of encryption.keys: nothing of it can be shown or sent without"
            yield problem("encryption", f"{key}: {_many(count, 'value')} sealed with it, and it is not configured", fix)
    for key in keys:
        yield _of_key(key, found, writes=key == keys[0])


def _of_key(key: str, found: Sealing, *, writes: bool) -> Diagnosis:
    count = found.sealed.get(key, 0)
    if key in found.unopened:
        fix = "this is another key under the same id: put back the one that sealed them"
        return problem("encryption", f"{key}: does not open what it has sealed ({_many(count, 'value')})", fix)
    if writes:
        return ok("encryption", f"{key}: writes; {_many(count, 'value')} sealed with it")
    if count:
        return ok("encryption", f"{key}: still needed for {_many(count, 'value')}; `task-gateway reseal` frees it")
    return ok("encryption", f"{key}: seals nothing any more, and may be removed")


def of_audit(rows: int, faults: Sequence[str]) -> Iterator[Diagnosis]:
    """The audit trail, read from end to end."""
    for fault in faults:
        fix = "keep a copy of the file, and compare it with the newest backup: `task-gateway audit verify --database`"
        yield problem("audit", fault, fix)
    if not faults:
        yield ok("audit", f"{_many(rows, 'row')}, none changed, moved or missing")


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < _THOUSAND:
            return f"{count:.3g} {unit}"
        count /= _THOUSAND
    return f"{count:.3g} TB"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
