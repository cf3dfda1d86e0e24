"""clinics/*.yaml: one clinic, checked against the accounts, the adapters and the capability table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec
from msgspec import structs

from gateway.capability_table import Table, check_rows
from gateway.files.durations import duration
from gateway.files.reader import Reader
from gateway.files.source import Source, Spot
from gateway.rules.capability import Layer, effective, table_layers
from gateway.rules.clinic import Account, Clinic, Connection, Defaults, Person, Route
from gateway.settings import Settings
from schemas import config
from schemas.command import PEOPLE

_PERSON = "a name of `people`, or id: and the vendor's own id"
_PLACE = "a place such as America/Chicago, or UTC"


def read_clinic(source: Source, settings: Settings, table: Table) -> Clinic:
    """The clinic in `source`; mistakes are noted in it. Connections of unknown accounts are left out."""
    shape = Reader(source, production=settings.production).read(config.ClinicFile)
    _check_people(source, shape)
    _check_defaults(source, ("defaults",), shape.defaults, shape.people)
    for name in shape.capabilities:
        if name not in shape.connections:
            source.unknown_key(("capabilities", name), "connection", source.keys("connections"))
    connections = {
        name: connection
        for name in shape.connections
        if (connection := _connection(source, shape, name, settings, table))
    }
    return Clinic(
        id=shape.id,
        name=shape.name,
        timezone=_zone(source, shape.timezone),
        connections=connections,
        routes=_routes(source, shape),
        people={key: _person(key, person) for key, person in shape.people.items()},
        version=_version(source, connections.values(), table),
        give_up_after=duration(source, ("give_up_after",), shape.give_up_after),
        hold_for=duration(source, ("hold_for",), shape.hold_for),
        follow_work=duration(source, ("follow_work",), shape.follow_work) if shape.follow_work else None,
        on_loss=shape.on_loss,
        written=source.written(),
    )


def _connection(
    source: Source, shape: config.ClinicFile, name: str, settings: Settings, table: Table
) -> Connection | None:
    spot, link = ("connections", name), shape.connections[name]
    _check_defaults(source, (*spot, "defaults"), link.defaults, shape.people)
    account = _account(source, (*spot, "account"), link.account, settings)
    if account is None:
        return None
    adapter = account.adapter
    emrs = table.emrs(adapter)
    if link.emr is not None and link.emr not in emrs and not table.source.lost():
        source.unknown((*spot, "emr"), "EMR", link.emr, emrs, expected="a key below the vendor in the capability table")
    rows = shape.capabilities.get(name, {})
    check_rows(source, ("capabilities", name), adapter, rows)
    own = Layer(where=f"{source.name}: capabilities.{name}", rows=rows)
    reader = Reader(source, production=settings.production, private=True)
    connection = Connection(
        clinic_id=shape.id,
        name=name,
        account=account,
        emr=link.emr,
        credentials=reader.struct(adapter.connection, link.credentials, lambda key: (*spot, "credentials", key)),
        reference_id=link.reference_id,
        defaults=_merged(shape.defaults, link.defaults),
        rules=effective(adapter, link.emr, (*table_layers(table.vendors, adapter.name, link.emr), own)),
    )
    _warn_of_strangers(source, (*spot, "defaults"), connection, link.defaults, shape.people)
    return connection


def _account(source: Source, spot: Spot, name: str, settings: Settings) -> Account | None:
    """The account of that name; the one that a misspelt name must mean; None when there is no saying."""
    known = settings.sources[0].keys("accounts")
    if name in known or settings.sources[0].lost("accounts"):
        return settings.accounts.get(name)
    return settings.accounts.get(source.unknown(spot, "account", name, known) or "")


def _merged(of_clinic: config.Defaults, of_connection: config.Defaults) -> Defaults:
    """The clinic's defaults under the connection's own. A title and a rule for one are alternatives."""
    own = {key: value for key, value in structs.asdict(of_connection).items() if value is not None}
    shared = {key: value for key, value in structs.asdict(of_clinic).items() if value is not None}
    if "title" in own or "title_from" in own:
        shared.pop("title", None)
        shared.pop("title_from", None)
    return Defaults(**(shared | own))


def _check_defaults(source: Source, spot: Spot, defaults: config.Defaults, people: Mapping[str, config.Person]) -> None:
    if defaults.title is not None and defaults.title_from is not None:
        source.note((*spot, "title_from"), "give title or title_from, not both")
    for place, person in _named(spot, defaults):
        _check_person(source, place, person, people)


def _named(spot: Spot, fields: config.Defaults | config.When) -> Iterator[tuple[Spot, str]]:
    """Each person that the fields name, and where."""
    for field in sorted(PEOPLE.intersection(fields.__struct_fields__)):
        value = getattr(fields, field)
        if isinstance(value, str):
            yield (*spot, field), value
        else:
            yield from (((*spot, field, index), person) for index, person in enumerate(value or ()))


def _check_person(source: Source, spot: Spot, person: str, people: Collection[str]) -> None:
    if person not in people and not (person.startswith("id:") and person != "id:") and not source.lost("people"):
        source.unknown(spot, "person", person, people, expected=_PERSON)


def _warn_of_strangers(
    source: Source,
    spot: Spot,
    connection: Connection,
    defaults: config.Defaults,
    people: Mapping[str, config.Person],
) -> None:
    """Warn of a connection's own default that names somebody without an id there: it would count as missing.

    One that names a team where one person is taken would fail each command, and is a mistake.
    """
    for place, key in _named(spot, defaults):
        ids = people[key].ids.get(connection.name) if key in people else ()
        if ids is None:
            source.warn(place, f"'{key}' has no id in {connection.name}")
        elif place[-1] == "created_by" and isinstance(ids, list | tuple) and len(ids) > 1:
            source.note(place, f"'{key}' is a team in {connection.name}; name one person")


def _check_people(source: Source, shape: config.ClinicFile) -> None:
    for key, person in shape.people.items():
        if key.startswith("id:"):
            source.note(("people", key), "id: begins a vendor's own id; give the person a name")
        known = source.keys("connections")
        for connection in person.ids:
            if known and connection not in known:
                source.unknown_key(("people", key, "ids", connection), "connection", known)


def _person(key: str, shape: config.Person) -> Person:
    ids = {name: (given,) if isinstance(given, str) else tuple(given) for name, given in shape.ids.items()}
    return Person(key=key, name=shape.name, ids=ids)


def _routes(source: Source, shape: config.ClinicFile) -> tuple[Route, ...]:
    """The clinic's rules; a clinic with one connection needs none."""
    if not shape.routes and len(shape.connections) == 1:
        return (Route(label="only connection", to=next(iter(shape.connections))),)
    routes: list[Route] = []
    for index, rule in enumerate(shape.routes):
        spot = ("routes", index)
        known = source.keys("connections")
        if known and rule.to not in known:
            source.unknown((*spot, "to"), "connection", rule.to, known)
        for place, person in _named((*spot, "when"), rule.when):
            _check_person(source, place, person, shape.people)
        when = {
            field: frozenset((value,) if isinstance(value, str) else value)
            for field, value in structs.asdict(rule.when).items()
            if value is not None
        }
        routes.append(Route(label=f"routes[{index}]", to=rule.to, when=when))
    return tuple(routes)


def _zone(source: Source, key: str) -> ZoneInfo:
    """The timezone of a place. Abbreviations are none: EST has no summer, and CST is three different ones."""
    try:
        if "/" in key or key == "UTC":
            return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    places = sorted(zone for zone in available_timezones() if "/" in zone)
    source.unknown(("timezone",), "timezone", key, places, expected=_PLACE)
    return ZoneInfo("UTC")


def _version(source: Source, connections: Collection[Connection], table: Table) -> str:
    """A short hash of all that decides about this clinic's commands; of no secret."""
    accounts = {connection.account.name: connection.account for connection in connections}
    table_data = table.source.data if isinstance(table.source.data, Mapping) else {}
    decides = {
        "clinic": _without_credentials(source.data),
        "accounts": {name: _facts(account) for name, account in accounts.items()},
        "table": {account.adapter.name: table_data.get(account.adapter.name) for account in accounts.values()},
    }
    # What msgspec cannot encode is a Secret, whose repr hides it.
    return sha256(msgspec.json.encode(decides, order="deterministic", enc_hook=repr)).hexdigest()[:8]


def _without_credentials(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _without_credentials(value) for key, value in data.items() if key != "credentials"}
    return data


def _facts(account: Account) -> Mapping[str, Any]:
    return {
        "options": account.credentials,
        "adapter": account.adapter.name,
        "base_url": account.base_url,
        "limits": account.limits,
        "reuse_connections": account.reuse_connections,
    }
