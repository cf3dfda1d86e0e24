"""What the rules know of the world: clinics, their connections, the accounts behind them, the apps before them.

These values are built once by `gateway.clinics` from the configuration files, validated whole, and never change;
a reload makes a new `Config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from adapters.base import Adapter, Link
from gateway.rules.written import Written
from schemas import config
from schemas.command import Name, Priority
from schemas.private import Secret

Need = config.Need
Provenance = config.Provenance
Role = config.Role


class Cell(Struct, frozen=True, kw_only=True):
    """What one layer says of one field, and how we know.

    `where` names the layer: "adapter: cobalt", "emr_capabilities.yaml: cobalt.athenahealth",
    "clinics/lakeside-family.yaml: capabilities.emr".
    """

    need: Need
    where: str
    source: Provenance
    checked: str | None = None
    note: str | None = None

    @property
    def origin(self) -> str:
        """The layer and its provenance, as problems show them: "<where> (<source>)"."""
        return f"{self.where} ({self.source})"


class Support(Struct, frozen=True, kw_only=True):
    """Whether the operation is offered at all, and how we know."""

    supported: bool
    where: str
    source: Provenance
    checked: str | None = None
    note: str | None = None

    @property
    def origin(self) -> str:
        """The layer and its provenance, as problems show them."""
        return f"{self.where} ({self.source})"


class OneOf(Struct, frozen=True, kw_only=True):
    """A group of fields of which at least one must be given."""

    fields: tuple[str, ...]
    where: str
    source: Provenance
    note: str | None = None

    @property
    def origin(self) -> str:
        """The layer and its provenance, as problems show them."""
        return f"{self.where} ({self.source})"


class Rule(Struct, frozen=True, kw_only=True):
    """The effective capability of one operation on one connection: all layers merged, cell by cell."""

    support: Support
    fields: Mapping[str, Cell]
    """Canonical path to cell, for each field that the adapter has a place for or that a layer names."""
    one_of: tuple[OneOf, ...] = ()


class Defaults(Struct, frozen=True, kw_only=True):
    """What a connection fills in when a command leaves it out (the clinic's own already merged in)."""

    title: str | None = None
    title_from: Literal["description"] | None = None
    assignees: tuple[str, ...] = ()
    created_by: str | None = None
    due_in: str | None = None
    """"2d", "4h", "30m": counted from acceptance in the clinic's timezone."""
    priority: Priority | None = None
    type: str | None = None
    tags: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    phone_call_type_id: str | None = None
    encounter_note_id: str | None = None


class Person(Struct, frozen=True, kw_only=True):
    """A person or team of the clinic's directory; `ids` by connection name, several for a team."""

    key: str
    name: str
    ids: Mapping[str, tuple[str, ...]]


class Route(Struct, frozen=True, kw_only=True):
    """One routing rule; `when` maps a field to the values that satisfy it. `label` is "routes[1]"."""

    label: str
    to: str
    when: Mapping[str, frozenset[str]] = {}


class Limits(Struct, frozen=True, kw_only=True):
    """An account's caps; None: no cap of ours."""

    concurrency: int | None = None
    per_minute: int | None = None


class Account(Struct, frozen=True, kw_only=True):
    """Our contract with a vendor, shared by clinics. `webhook_token` is the last part of its webhook URL."""

    name: str
    adapter: Adapter[Any, Any]
    base_url: str
    credentials: Any
    webhook_token: Secret | None = None
    webhook_secrets: tuple[Secret, ...] = ()
    limits: Limits = Limits()
    reuse_connections: bool = False


class Connection(Struct, frozen=True, kw_only=True):
    """One clinic's link through an account, with its defaults and effective capability rules."""

    clinic_id: str
    name: str
    account: Account
    emr: str | None
    credentials: Any
    reference_id: str | None
    defaults: Defaults
    rules: Mapping[Name, Rule]
    """One for each operation the adapter has."""

    @property
    def adapter(self) -> Adapter[Any, Any]:
        """The vendor's dialect."""
        return self.account.adapter

    def link(self, token: Secret | None = None) -> Link[Any, Any]:
        """The way into the vendor's system, as adapters take it."""
        return Link(
            base_url=self.account.base_url,
            account=self.account.credentials,
            connection=self.credentials,
            emr=self.emr,
            token=token,
        )


class Clinic(Struct, frozen=True, kw_only=True):
    """A tenant: one YAML file."""

    id: str
    name: str
    timezone: ZoneInfo
    connections: Mapping[str, Connection]
    routes: tuple[Route, ...]
    people: Mapping[str, Person]
    version: str
    """A short hash of this clinic's effective configuration."""
    give_up_after: timedelta = timedelta(hours=24)
    hold_for: timedelta = timedelta(days=7)
    follow_work: timedelta | None = None
    on_loss: Literal["report", "refuse"] = "report"
    written: Written = Written()


class AppKey(Struct, frozen=True, kw_only=True):
    """One key of an app: its id and the lower-case hex SHA-256 of the whole key string."""

    id: str
    sha256: str


class Callback(Struct, frozen=True, kw_only=True):
    """Where an app hears of events."""

    url: str
    secrets: tuple[Secret, ...]
    """Each signs: two while one takes the place of the other."""
    events: tuple[str, ...] = ("*",)
    scope: Literal["app", "clinics"] = "app"
    body: Literal["thin", "full"] = "thin"
    """Thin bodies hold ids and states; full ones the whole delivery, patient text included."""


class App(Struct, frozen=True, kw_only=True):
    """An internal app: its keys, the clinics it may touch ("*" is all), its roles."""

    name: str
    keys: tuple[AppKey, ...]
    clinics: frozenset[str]
    roles: frozenset[Role]
    require_key: bool = False
    per_minute: int | None = None
    """How many requests it may make in a minute; None: no limit."""
    callback: Callback | None = None

    def may_touch(self, clinic_id: str) -> bool:
        """Whether the clinic is in the app's scope."""
        return "*" in self.clinics or clinic_id in self.clinics


class Timeouts(Struct, frozen=True, kw_only=True):
    """Seconds: to connect, and the outer deadline of one attempt."""

    connect: float = 5.0
    send: float = 30.0


class Follow(Struct, frozen=True, kw_only=True):
    """Seconds until each further look; the last one repeats."""

    submitted: tuple[float, ...] = (60, 120, 300, 900, 3600, 21600)
    submitted_without_webhook: tuple[float, ...] = (3, 5, 10, 20, 40, 60, 120, 300, 900, 3600, 21600)
    unknown: tuple[float, ...] = (5, 30, 120, 600, 3600, 21600, 86400)
    absence_gap: float = 300


class Caller(Struct, frozen=True, kw_only=True):
    """An app, and which of its keys it came with."""

    app: App
    key_id: str


class EncryptionKey(Struct, frozen=True, kw_only=True):
    """A key for payloads at rest; `key` is 32 bytes in base64."""

    id: str
    key: Secret


class Config(Struct, frozen=True, kw_only=True):
    """The whole configuration, validated. `warnings` are printed at start-up."""

    mode: Literal["development", "production"]
    database: str
    accounts: Mapping[str, Account]
    apps: Mapping[str, App]
    clinics: Mapping[str, Clinic]
    hosts: frozenset[str] = frozenset()
    """The names that the gateway is called by, in lower case; none: any."""
    answer_within: float = 5.0
    timeouts: Timeouts = Timeouts()
    follow: Follow = Follow()
    encryption: tuple[EncryptionKey, ...] = ()
    """The first writes, all read; none: payloads are stored as they are."""
    retention: timedelta | None = None
    """How long words are kept after a delivery has ended; None: for good."""
    private_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of our own where vendors and callbacks may be in production."""
    warnings: tuple[str, ...] = ()
    written: Written = Written()
    """gateway.yaml."""
