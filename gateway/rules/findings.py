"""What a configuration may hold, and what will surprise all the same: rules that never match, people without an id."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct, structs

from gateway.rules.clinic import Account, App, Clinic, Config, Connection, Route
from gateway.rules.defaults import defaults_of
from gateway.rules.reach import ROUTED, reached, smallest, taker, takers
from gateway.rules.routing import offers
from gateway.rules.witness import refusals
from gateway.rules.written import Written
from schemas.command import NAMING, PEOPLE, CreateTask, Name

Severity = Literal["error", "warning", "note"]
"""error: something that is set up can only fail. warning: some commands will fail or wait. note: good to know."""

_NAMED = 8
"""How many names a text lists before it only counts them."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found: its code, where it stands, what it means, and the people or fields it is about."""

    severity: Severity
    code: str
    file: str = ""
    line: int = 1
    where: str
    """The place in the file, as messages name it."""
    detail: str
    about: tuple[str, ...] = ()


def of_clinic(clinic: Clinic, config: Config, now: datetime) -> tuple[Finding, ...]:
    """All findings about one clinic, the gravest first."""
    found = [
        *_nothing_passes(clinic, now),
        *_routes(clinic, now),
        *_unrouted(clinic),
        *_people(clinic),
        *_defaults(clinic, now),
        *_notes(clinic),
        *_references(clinic, config),
    ]
    return sorted_by_severity([*_in(clinic.written, found), *_in(config.written, _apps(clinic, config.apps))])


def of_account(account: Account, config: Config) -> tuple[Finding, ...]:
    """All findings about one account, the gravest first."""
    where, vendor = f"accounts.{account.name}", account.adapter.name
    if not any(True for _ in _through(account, config)):
        unused = _finding("note", "account-unused", where, "no clinic's connection goes through it")
        return tuple(_in(config.written, [unused]))
    found = []
    if account.adapter.pushes != "nothing" and account.webhook_token is None:
        detail = f"{vendor} pushes its results, and there is no webhook: they are only looked up, later"
        found.append(_finding("warning", "no-webhook", where, detail))
    if account.adapter.pushes == "signed" and account.webhook_token and not account.webhook_secrets:
        detail = f"{vendor} signs its webhooks, and there is no secret: whoever knows the URL is believed"
        found.append(_finding("warning", "webhook-unproved", f"{where}.webhook", detail))
    return sorted_by_severity(list(_in(config.written, found)))


def sorted_by_severity(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """The gravest first, else as they were found."""
    return tuple(sorted(found, key=lambda finding: get_args(Severity).index(finding.severity)))


def _in(written: Written, found: Iterable[Finding]) -> Iterator[Finding]:
    """The findings with the file and the line where they stand."""
    return (structs.replace(each, file=written.file, line=written.line(each.where)) for each in found)


def _finding(severity: Severity, code: str, where: str, detail: str, about: Sequence[str] = ()) -> Finding:
    return Finding(severity=severity, code=code, where=where, detail=detail, about=tuple(about))


def _nothing_passes(clinic: Clinic, now: datetime) -> Iterator[Finding]:
    """Connections that offer nothing, and those that refuse every task."""
    for connection in clinic.connections.values():
        where = f"connections.{connection.name}"
        if not any(offers(connection, operation) for operation in connection.rules):
            yield _finding("error", "nothing-offered", where, "it offers no operation at all")
        elif offers(connection, "create_task") and (errors := refusals(clinic, connection, {}, now)):
            told = "; ".join(f"{error.field}: {error.detail}" for error in errors)
            yield _finding("error", "nothing-passes", where, f"every task is refused here: {told}")


def _routes(clinic: Clinic, now: datetime) -> Iterator[Finding]:
    for route in clinic.routes:
        connection = clinic.connections[route.to]
        if not any(offers(connection, NAMING[kind].operation) for kind in ROUTED):
            detail = f"never matches: {route.to} offers nothing that is routed"
            yield _finding("warning", "never-matches", route.label, detail)
        elif offers(connection, "create_task"):
            yield from _task_route(clinic, route, connection, now)
    if len(clinic.connections) > 1 and not clinic.routes:
        names = ", ".join(clinic.connections)
        detail = f"there are none, so every task and claim must name its connection: {names}"
        yield _finding("warning", "no-routes", "routes", detail)
    elif clinic.routes and taker(clinic, CreateTask, {}) is None:
        yield _finding("warning", "no-last-route", "routes", "a task that none of them asks for is refused (no-route)")


def _task_route(clinic: Clinic, route: Route, connection: Connection, now: datetime) -> Iterator[Finding]:
    """A rule that earlier ones leave no task, or that sends tasks to where just what it asks for is refused."""
    if route.label not in takers(clinic, route, CreateTask):
        others = ", ".join(dict.fromkeys(takers(clinic, route, CreateTask)))
        detail = f"never matches a task: all it asks for is taken by {others}"
        yield _finding("warning", "never-matches", route.label, detail)
        return
    fields: list[str] = []
    for given in smallest(route, CreateTask):
        errors = refusals(clinic, connection, given, now)
        refused = [error.field for error in errors if error.field is not None and error.field in route.when]
        if not refused:
            break
        fields += refused
    else:
        about = list(dict.fromkeys(fields))
        detail = f"every task it takes is refused by {route.to}, for {', '.join(about)}"
        yield _finding("error", "only-refused", route.label, detail, about)
    for path in sorted(PEOPLE & route.when.keys()):
        if absent := _absent(clinic, connection, route.when[path]):
            detail = f"asks for {_listed(absent)} as {path}, without an id in {route.to}"
            yield _finding("warning", "no-id", route.label, detail, absent)


def _unrouted(clinic: Clinic) -> Iterator[Finding]:
    """Connections, and operations of connections, that no rule leads to."""
    ways = {NAMING[kind].operation: reached(clinic, kind) for kind in ROUTED}
    for connection in clinic.connections.values() if clinic.routes else ():
        where = f"connections.{connection.name}"
        offered = [operation for operation in ways if offers(connection, operation)]
        missed = [operation for operation in offered if connection.name not in ways[operation]]
        for operation in missed:
            if not ways[operation]:
                yield _finding("warning", "unrouted", where, f"no rule leads a {_noun(operation)} anywhere")
        if missed and missed == offered:
            detail = f"no rule leads here: only commands with `connection: {connection.name}` come"
            yield _finding("note", "only-named", where, detail)
            continue
        for operation in missed:
            if others := ways[operation]:
                detail = f"a {_noun(operation)} comes here only by `connection: {connection.name}`; {_told(others)}"
                yield _finding("note", "only-named", where, detail)


def _told(ways: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{', '.join(rules)} leads to {name}" for name, rules in ways.items())


def _noun(operation: Name) -> str:
    return next(naming.kind for naming in NAMING.values() if naming.operation == operation)


def _people(clinic: Clinic) -> Iterator[Finding]:
    """People whom a connection does not know."""
    nowhere = [key for key, person in clinic.people.items() if not person.ids]
    if nowhere:
        yield _finding("warning", "no-id", "people", f"{_listed(nowhere)}: no id in any connection", nowhere)
    for connection in clinic.connections.values():
        if not offers(connection, "create_task"):
            continue
        places = connection.adapter.operation("create_task").places
        cells = connection.rules["create_task"].fields
        named = [path for path, spot in places.items() if path in PEOPLE and spot.wire is not None]
        needed = [path for path in named if cells[path].need == "required"]
        absent = [key for key in _absent(clinic, connection, clinic.people) if key not in nowhere]
        if not named or not absent:
            continue
        fate = f"alone as {' or '.join(needed)} they get a task refused" if needed else "their names go into the text"
        detail = f"{_listed(absent)}: no id here; {fate}"
        yield _finding("warning" if needed else "note", "no-id", f"connections.{connection.name}", detail, absent)


def _absent(clinic: Clinic, connection: Connection, people: Collection[str]) -> list[str]:
    """Those of the directory's people who have no id in the connection."""
    return [key for key in people if key in clinic.people and connection.name not in clinic.people[key].ids]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _defaults(clinic: Clinic, now: datetime) -> Iterator[Finding]:
    """Defaults that no connection they are for has a place for."""
    used: dict[str, bool] = {}
    for connection in clinic.connections.values():
        places = connection.adapter.operation("create_task").places if "create_task" in connection.rules else {}
        for path in defaults_of(connection, clinic, {"description": "-"}, now):
            used[path] = used.get(path, False) or (path in places and places[path].wire is not None)
    idle = [path for path, is_used in used.items() if not is_used]
    if idle:
        detail = f"of no use, since no connection has a place for it: {', '.join(idle)}"
        yield _finding("note", "default-unused", "defaults", detail, idle)


def _notes(clinic: Clinic) -> Iterator[Finding]:
    able = [connection.name for connection in clinic.connections.values() if offers(connection, "add_note")]
    if len(able) > 1:
        detail = f"a note by emr_task_id must name its connection: {', '.join(able)}"
        yield _finding("note", "notes-by-name", "connections", detail)


def _references(clinic: Clinic, config: Config) -> Iterator[Finding]:
    """Connections without the reference by which the account's other ones are told apart."""
    for connection in clinic.connections.values():
        account = connection.account
        if connection.reference_id is None and any(other.reference_id for other in _through(account, config)):
            detail = f"other connections of {account.name} have one: webhooks that name this one will match nothing"
            yield _finding("warning", "no-reference", f"connections.{connection.name}.reference_id", detail)


def _through(account: Account, config: Config) -> Iterator[Connection]:
    """The account's connections over all clinics."""
    for clinic in config.clinics.values():
        yield from (one for one in clinic.connections.values() if one.account.name == account.name)


def _apps(clinic: Clinic, apps: Mapping[str, App]) -> Iterator[Finding]:
    if not any(app.may_touch(clinic.id) and "submit" in app.roles for app in apps.values()):
        yield _finding("warning", "no-app", "apps", "no app may submit for this clinic")
