"""The bodies of our own API's answers, beside the delivery itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from gateway.flows.endpoints import EndpointState
from gateway.rules.clinic import Need, Provenance, Role
from gateway.store.audit import Entry
from gateway.store.backlog import Told
from gateway.store.drift import Observation, Trial
from schemas.command import Body, Id
from schemas.delivery import Delivery, Happening
from schemas.event import Event
from schemas.private import Private


class Deliveries(Private, frozen=True, kw_only=True):
    """A page of deliveries, newest first; their commands left out."""

    items: Sequence[Delivery]
    next_cursor: str | None


class Timeline(Private, frozen=True, kw_only=True):
    """All that happened to a delivery, in order."""

    items: Sequence[Happening]
    next_cursor: None = None


class Reason(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an operator acts."""

    reason: Body


class Why(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody acts, where it is left to them to say so."""

    reason: Body | None = None


class ConnectionSummary(Struct, frozen=True, kw_only=True):
    """A connection and what it can be asked."""

    name: str
    adapter: str
    emr: str | None
    operations: Sequence[str]


class ClinicSummary(Struct, frozen=True, kw_only=True):
    """A clinic that the calling key may use."""

    id: str
    name: str
    timezone: str
    connections: Sequence[ConnectionSummary]


class Clinics(Struct, frozen=True, kw_only=True):
    """The clinics within a key's reach."""

    items: Sequence[ClinicSummary]
    next_cursor: None = None


class FieldRule(Struct, frozen=True, kw_only=True):
    """What holds for one field, and how that is known."""

    need: Need
    place: str | None
    """The vendor's name for it; null: it joins the text, or has no place."""
    source: Provenance
    where: str
    checked: str | None
    note: str | None


class OperationRule(Struct, frozen=True, kw_only=True):
    """What holds for one operation on one connection."""

    supported: bool
    source: Provenance
    where: str
    note: str | None
    fields: Mapping[str, FieldRule]
    one_of: Sequence[Mapping[str, Any]]
    defaults: Sequence[str]
    """The fields that the connection fills in when they are left out."""


class ConnectionRules(Struct, frozen=True, kw_only=True):
    """The effective rules of one connection."""

    name: str
    adapter: str
    emr: str | None
    operations: Mapping[str, OperationRule]


class Capabilities(Struct, frozen=True, kw_only=True):
    """The effective rules of a clinic, connection by connection."""

    clinic_id: str
    config_version: str
    connections: Sequence[ConnectionRules]


class DriftObservation(Observation, frozen=True, kw_only=True):
    """An observation, and what the table in force says of its field.

    `rule` is null for a name that maps to no place, and where the connection is gone or has become another one.
    """

    rule: FieldRule | None


class DriftTrial(Trial, frozen=True, kw_only=True):
    """A rule on trial, and what the table in force says of its field by now; null where the connection is gone."""

    rule: FieldRule | None


class Drift(Struct, frozen=True, kw_only=True):
    """What vendors wanted beyond the capability table, and how rules on trial fare; what was seen last first."""

    items: Sequence[DriftObservation]
    trials: Sequence[DriftTrial]
    next_cursor: None = None


class ConnectionHealth(Struct, frozen=True, kw_only=True):
    """Whether a connection works, and if not, since when and why."""

    clinic_id: str
    name: str
    adapter: str
    emr: str | None
    paused: bool
    since: datetime | None = None
    why: str | None = None


class Connections(Struct, frozen=True, kw_only=True):
    """The connections of the clinics within a key's reach."""

    items: Sequence[ConnectionHealth]
    next_cursor: None = None


class Me(Struct, frozen=True, kw_only=True):
    """What the calling key may do."""

    app: str
    key_id: str
    roles: Sequence[Role]
    clinics: Sequence[str]
    require_key: bool


class ActSeen(Entry, frozen=True, kw_only=True):
    """What somebody did, through which app and key, to what, and why.

    `about` is a delivery's id, a connection as "clinic/name", or what else it was done to.
    """


class Acts(Private, frozen=True, kw_only=True):
    """A page of the audit trail, newest first."""

    items: Sequence[ActSeen]
    next_cursor: str | None


class Events(Struct, frozen=True, kw_only=True):
    """A page of the feed, oldest first; `next_cursor` is the next page's `after`, null where there is no more now."""

    items: Sequence[Event]
    next_cursor: str | None


class Redelivery(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom an event is told again (left out: every app that it concerns), and why."""

    app: Id | None = None
    reason: Body


class RedeliveryOfRange(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events are told again, to whom (left out: every app that they concern), and why."""

    after: Annotated[Id, Meta(description="An event's id; evt_0: from the first one")]
    until: Annotated[Id | None, Meta(description="An event's id; left out: up to the newest")] = None
    app: Id | None = None
    reason: Body


class Callbacks(Struct, frozen=True, kw_only=True):
    """The endpoints of the apps within a key's reach."""

    items: Sequence[EndpointState]
    next_cursor: None = None


class ToldEvents(Struct, frozen=True, kw_only=True):
    """Where events stand at endpoints; `next_cursor` is the next page's `after`."""

    items: Sequence[Told]
    next_cursor: str | None = None


class HookSeen(Struct, frozen=True, kw_only=True):
    """A webhook that came in; its body is not shown here."""

    id: str
    account: str
    received_at: datetime
    state: str
    why: str | None
    event_id: str | None


class Hooks(Struct, frozen=True, kw_only=True):
    """Webhooks in one state, newest first."""

    items: Sequence[HookSeen]
    next_cursor: str | None
