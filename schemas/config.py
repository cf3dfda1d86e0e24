"""The shapes of the three kinds of configuration file: gateway.yaml, clinics/*.yaml, emr_capabilities.yaml.

These say what may stand where; whether names fit together is for `gateway.settings` and `gateway.clinics`. A key left
empty is a key left out, and unknown keys are refused. Any text may be a reference, `${env:NAME}` or `${file:path}`;
by the time these Structs are built, references have been replaced by what they name. Descriptions are what editors show
(`task-gateway schema`), and what a message says it expected.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from schemas.command import Name, Priority, Status
from schemas.private import Secret
from schemas.words import (
    Count,
    Day,
    Deadline,
    DueIn,
    Duration,
    EventPattern,
    HostName,
    KeyId,
    Label,
    Looks,
    Seconds,
    Several,
    Sha256,
    Text,
)

Need = Literal["required", "optional", "advisory", "refused"]
Provenance = Literal["documented", "observed", "operator"]
Role = Literal["submit", "read", "operate", "admin"]
Mode = Literal["development", "production"]


def _says(description: str) -> Meta:
    """What an editor shows of a key."""
    return Meta(description=description)


NeedWord = Annotated[Need, Meta(title="need", description="How much the field is needed")]
SourceWord = Annotated[Provenance, Meta(title="source", description="How this is known")]
OperationWord = Annotated[Name, Meta(title="operation")]
PriorityWord = Annotated[Priority, Meta(title="priority")]
StatusWord = Annotated[Status, Meta(title="status")]
RoleWord = Annotated[Role, Meta(title="role")]


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of a configuration file; unknown keys are refused."""


# gateway.yaml


class Webhook(Shape, frozen=True, kw_only=True):
    """How an account's webhooks prove themselves: the last part of their URL, and the vendor's signing secrets."""

    token: Annotated[Secret, _says("The last part of the URL that the vendor posts to, long and random")]
    secrets: Annotated[tuple[Secret, ...], _says("What the vendor signs with; two while rotating")] = ()


class Limits(Shape, frozen=True, kw_only=True):
    """Caps of an account over all clinics: requests at once, and per minute."""

    concurrency: Annotated[Count | None, _says("Requests at once; left out: no cap of ours")] = None
    per_minute: Annotated[Count | None, _says("Requests in a minute; left out: no cap of ours")] = None


class Account(Shape, frozen=True, kw_only=True):
    """Our contract with a vendor. The adapter's own options may stand here or inside `credentials`."""

    adapter: Annotated[Text, _says("The vendor's dialect, by its name")]
    base_url: Annotated[Text | None, _says("Where the vendor is called; left out: the vendor's own")] = None
    credentials: Annotated[dict[str, Any], _says("The adapter's own options of an account")] = {}
    webhook: Webhook | None = None
    limits: Limits = Limits()
    reuse_connections: Annotated[
        bool, _says("Fewer handshakes, for a vendor whose behaviour you know: a late answer may be taken for the next")
    ] = False


class Key(Shape, frozen=True, kw_only=True):
    """One key of an app: its id, and the hash of the whole key string."""

    id: KeyId
    sha256: Sha256


class Callback(Shape, frozen=True, kw_only=True):
    """Where an app hears of events; with two secrets, both sign (rotation)."""

    url: Annotated[Text, _says("Where the app takes events, an https:// URL")]
    secrets: Annotated[tuple[Secret, ...], Meta(min_length=1), _says("What we sign with; two while rotating")]
    events: Annotated[tuple[EventPattern, ...], Meta(min_length=1, description="What it hears of")] = ("*",)
    scope: Annotated[
        Literal["app", "clinics"], Meta(title="scope", description="Of its own deliveries, or of all of its clinics")
    ] = "app"
    body: Annotated[Literal["thin", "full"], Meta(title="body", description="Ids and states, or with patient text")] = (
        "thin"
    )


class AppLimits(Shape, frozen=True, kw_only=True):
    """Caps of an app; what is more is answered with 429 and Retry-After, and nothing of it is stored."""

    per_minute: Annotated[Count | None, _says("Requests in a minute, of each process; left out: no limit")] = None


class App(Shape, frozen=True, kw_only=True):
    """An internal app: who it is, which clinics it may touch, what it may do."""

    keys: Annotated[tuple[Key, ...], _says("Its keys, as `task-gateway key new` prints them")]
    clinics: Annotated[
        Annotated[tuple[Text, ...], Meta(min_length=1)] | Literal["*"], _says('Ids of clinics; ["*"]: all of them')
    ]
    roles: Annotated[tuple[RoleWord, ...], Meta(min_length=1, description="What it may do")]
    require_key: Annotated[bool, _says("Refuse a POST without Idempotency-Key")] = False
    limits: AppLimits = AppLimits()
    callback: Callback | None = None


class Timeouts(Shape, frozen=True, kw_only=True):
    """Seconds to connect, and the outer deadline of one attempt."""

    connect: Deadline = 5.0
    send: Annotated[Deadline, _says("The outer deadline of one attempt, in seconds")] = 30.0


class Follow(Shape, frozen=True, kw_only=True):
    """When a delivery is looked at again, and how far apart two looks must be to prove absence (seconds)."""

    submitted: Looks = (60, 120, 300, 900, 3600, 21600)
    submitted_without_webhook: Looks = (3, 5, 10, 20, 40, 60, 120, 300, 900, 3600, 21600)
    unknown: Looks = (5, 30, 120, 600, 3600, 21600, 86400)
    absence_gap: Annotated[Seconds, _says('Seconds between two looks before "not there" is believed')] = 300


class EncryptionKey(Shape, frozen=True, kw_only=True):
    """A key for payloads at rest: 32 bytes in base64."""

    id: KeyId
    key: Secret


class Encryption(Shape, frozen=True, kw_only=True):
    """Keys for payloads at rest: the first writes, all read."""

    keys: Annotated[tuple[EncryptionKey, ...], _says("The first writes, all read")] = ()


class Retention(Shape, frozen=True, kw_only=True):
    """How long words are kept after a delivery has ended; what happened, and the ids, stay."""

    payloads: Duration | None = None


class GatewayFile(Shape, frozen=True, kw_only=True):
    """gateway.yaml: what is true for all clinics."""

    mode: Annotated[
        Mode, Meta(title="mode", description="production refuses http URLs and secrets that stand in the file")
    ] = "development"
    database: Annotated[Text, _says("sqlite:///PATH (from where the gateway is started) or postgresql://...")] = (
        "sqlite:///var/gateway.db"
    )
    accounts: Annotated[dict[Label, Account], _says("Our contracts with vendors, by names that connections use")] = {}
    apps: Annotated[dict[Label, App], _says("The internal apps that may call, by name")] = {}
    private_networks: Annotated[
        tuple[Text, ...],
        _says("Private networks where vendors and callbacks may be in production, such as 10.20.0.0/16"),
    ] = ()
    hosts: Annotated[
        tuple[HostName, ...], _says("The names the gateway is called by, without ports; left out: any")
    ] = ()
    adapter_paths: Annotated[
        tuple[Text, ...], _says("Directories of dropped-in adapter files, from the configuration directory")
    ] = ()
    answer_within: Annotated[
        float, Meta(ge=0, le=3600, description="a number of seconds"), _says("Seconds a submit waits for a first reply")
    ] = 5.0
    timeouts: Timeouts = Timeouts()
    follow: Follow = Follow()
    encryption: Encryption = Encryption()
    retention: Retention = Retention()


# emr_capabilities.yaml, and a clinic's own `capabilities`


class Cell(Shape, frozen=True, kw_only=True):
    """What a row says of one field, and how we know."""

    need: NeedWord
    source: SourceWord | None = None
    checked: Annotated[Day | None, _says("When this was last looked at")] = None
    note: Annotated[Text | None, _says("Why, in words; problems show it")] = None


class Row(Shape, frozen=True, kw_only=True):
    """What one layer says of one operation; its source, date and note hold for cells that have none of their own."""

    supported: Annotated[bool | None, _says("Whether the operation is offered at all")] = None
    fields: Annotated[dict[str, NeedWord | Cell], _says("What is needed of each canonical field")] = {}
    one_of: Annotated[
        tuple[Annotated[tuple[str, ...], Meta(min_length=1)], ...], _says("Groups of which one field must be given")
    ] = ()
    source: SourceWord | None = None
    checked: Annotated[Day | None, _says("When this was last looked at")] = None
    note: Annotated[Text | None, _says("Why, in words; problems show it")] = None


Rows = dict[OperationWord, Row]
CapabilityFile = dict[str, dict[str, Rows]]
"""emr_capabilities.yaml: vendor (an adapter's name) to EMR (or "*", every EMR of it) to rows."""


# clinics/*.yaml


class Defaults(Shape, frozen=True, kw_only=True):
    """What is filled in when a command leaves it out; a connection's own win over the clinic's."""

    title: Text | None = None
    title_from: Annotated[
        Annotated[Literal["description"], Meta(title="title_from")] | None, _says("The first line of this field")
    ] = None
    assignees: Annotated[tuple[Text, ...] | None, _says("People of the directory, or id:<the vendor's own id>")] = None
    created_by: Annotated[Text | None, _says("A person of the directory, or id:<the vendor's own id>")] = None
    due_in: Annotated[DueIn | None, _says("From acceptance, in the clinic's timezone: 30m, 4h, 2d or 1w")] = None
    priority: PriorityWord | None = None
    type: Text | None = None
    tags: tuple[Text, ...] | None = None
    notify: tuple[Text, ...] | None = None
    phone_call_type_id: Text | None = None
    encounter_note_id: Text | None = None


class Connection(Shape, frozen=True, kw_only=True):
    """A clinic's link through an account."""

    account: Annotated[Text, _says("An account of gateway.yaml")]
    emr: Annotated[Text | None, _says("Known to emr_capabilities.yaml or to the adapter")] = None
    reference_id: Annotated[
        Text | None, _says("How this account's webhooks name this connection; unique in the account")
    ] = None
    credentials: Annotated[dict[str, Any], _says("The adapter's own options of a connection")] = {}
    defaults: Defaults = Defaults()


class When(Shape, frozen=True, kw_only=True):
    """A route's conditions: fields ANDed, the values of one field ORed."""

    type: Several | None = None
    priority: PriorityWord | Annotated[tuple[PriorityWord, ...], Meta(min_length=1)] | None = None
    status: StatusWord | Annotated[tuple[StatusWord, ...], Meta(min_length=1)] | None = None
    tags: Several | None = None
    assignees: Several | None = None
    created_by: Several | None = None
    phone_call_type_id: Several | None = None


class Route(Shape, frozen=True, kw_only=True):
    """One routing rule; the first that matches wins."""

    to: Annotated[Text, _says("A connection of this clinic")]
    when: When = When()


class Person(Shape, frozen=True, kw_only=True):
    """A person or team of the directory: the display name, and the ids by connection (several for a team)."""

    name: Annotated[Text, _says("As people read it")]
    ids: Annotated[dict[str, Several], _says("By connection; several for a team")] = {}


class ClinicFile(Shape, frozen=True, kw_only=True):
    """One clinic."""

    id: Annotated[Label, _says("What callers give as clinic_id")]
    name: Annotated[Text, _says("As people read it")]
    timezone: Annotated[Text, _says("A place such as America/Chicago, for due_in and for dates in texts")]
    connections: Annotated[
        dict[Label, Connection],
        Meta(min_length=1, description="Its links to vendors, by names that routes and people use"),
    ]
    defaults: Defaults = Defaults()
    routes: Annotated[tuple[Route, ...], _says("The first that matches wins; one connection needs none")] = ()
    people: Annotated[dict[Text, Person], _says("The directory, by the names that callers use")] = {}
    capabilities: Annotated[dict[str, Rows], _says("This clinic's own rows, by connection")] = {}
    give_up_after: Annotated[Duration, _says("How long an unsent command is tried: 90s, 30m, 24h, 7d")] = "24h"
    hold_for: Annotated[Duration, _says("How long a command waits for its connection or its parent")] = "7d"
    follow_work: Annotated[
        Duration | None, _says("How long a delivered task's work is watched; left out: only webhooks tell")
    ] = None
    on_loss: Annotated[
        Literal["report", "refuse"], Meta(title="on_loss", description="A field without a place: report it, or refuse")
    ] = "report"
