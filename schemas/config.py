"""The shapes of the three kinds of configuration file: gateway.yaml, clinics/*.yaml, emr_capabilities.yaml.

These say what may stand where; whether names fit together is for `gateway.settings` and `gateway.clinics`. A key left
empty is a key left out, and unknown keys are refused. Any text may be a reference, `${env:NAME}` or `${file:path}`;
by the time these Structs are built, references have been replaced by what they name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from schemas.command import Name, Priority, Status
from schemas.private import Secret

Need = Literal["required", "optional", "advisory", "refused"]
Provenance = Literal["documented", "observed", "operator"]
Role = Literal["submit", "read", "operate", "admin"]
Mode = Literal["development", "production"]


def _form(pattern: str, description: str) -> Meta:
    """A pattern for the whole text (Python's `$` alone would let a line break pass), and what it asks for in words."""
    return Meta(pattern=rf"^{pattern}$(?!\n)", description=description)


Text = Annotated[str, Meta(min_length=1, description="text")]
Label = Annotated[
    str, _form(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "a name of letters, digits, '.', '_' and '-', at most 100 long")
]
KeyId = Annotated[str, _form(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}", "an id of letters, digits, '.' and '-'")]
Sha256 = Annotated[str, _form(r"[0-9a-f]{64}", "the SHA-256 of the whole key string, 64 lower-case hex digits")]
Duration = Annotated[str, _form(r"[0-9]+(\.[0-9]+)?[smhdw]", "a duration such as 90s, 30m, 24h or 7d")]
DueIn = Annotated[str, _form(r"[1-9][0-9]{0,4}[mhdw]", "a duration such as 30m, 4h, 2d or 1w")]
Day = Annotated[str, _form(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date such as 2026-11-22")]
EventPattern = Annotated[str, _form(r"(\*|[a-z_]+\.(\*|[a-z_]+))", '"*", or an event such as task.delivered or task.*')]
Seconds = Annotated[float, Meta(gt=0, description="seconds")]
Count = Annotated[int, Meta(ge=1, description="a whole number")]
Looks = Annotated[
    tuple[Seconds, ...], Meta(min_length=1, description="seconds until each further look; the last repeats")
]

NeedWord = Annotated[Need, Meta(title="need")]
SourceWord = Annotated[Provenance, Meta(title="source")]
OperationWord = Annotated[Name, Meta(title="operation")]
PriorityWord = Annotated[Priority, Meta(title="priority")]
StatusWord = Annotated[Status, Meta(title="status")]
RoleWord = Annotated[Role, Meta(title="role")]


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of a configuration file; unknown keys are refused."""


# gateway.yaml


class Webhook(Shape, frozen=True, kw_only=True):
    """How an account's webhooks prove themselves: the last part of their URL, and the vendor's signing secrets."""

    token: Secret
    secrets: tuple[Secret, ...] = ()


class Limits(Shape, frozen=True, kw_only=True):
    """Caps of an account over all clinics: requests at once, and per minute."""

    concurrency: Count | None = None
    per_minute: Count | None = None


class Account(Shape, frozen=True, kw_only=True):
    """Our contract with a vendor. The adapter's own options may stand here or inside `credentials`."""

    adapter: Text
    base_url: Text | None = None
    credentials: dict[str, Any] = {}
    webhook: Webhook | None = None
    limits: Limits = Limits()
    reuse_connections: bool = False


class Key(Shape, frozen=True, kw_only=True):
    """One key of an app: its id, and the hash of the whole key string."""

    id: KeyId
    sha256: Sha256


class Callback(Shape, frozen=True, kw_only=True):
    """Where an app hears of events; with two secrets, both sign (rotation)."""

    url: Text
    secrets: tuple[Secret, ...] = ()
    events: tuple[EventPattern, ...] = ("*",)
    scope: Annotated[Literal["app", "clinics"], Meta(title="scope")] = "app"
    body: Annotated[Literal["thin", "full"], Meta(title="body")] = "thin"


class App(Shape, frozen=True, kw_only=True):
    """An internal app: who it is, which clinics it may touch, what it may do."""

    keys: tuple[Key, ...]
    clinics: tuple[Text, ...] | Literal["*"]
    roles: tuple[RoleWord, ...]
    require_key: bool = False
    callback: Callback | None = None


class Timeouts(Shape, frozen=True, kw_only=True):
    """Seconds to connect, and the outer deadline of one attempt."""

    connect: Seconds = 5.0
    send: Seconds = 30.0


class Follow(Shape, frozen=True, kw_only=True):
    """When a delivery is looked at again, and how far apart two looks must be to prove absence (seconds)."""

    submitted: Looks = (60, 120, 300, 900, 3600, 21600)
    submitted_without_webhook: Looks = (3, 5, 10, 20, 40, 60, 120, 300, 900, 3600, 21600)
    unknown: Looks = (5, 30, 120, 600, 3600, 21600, 86400)
    absence_gap: Seconds = 300


class EncryptionKey(Shape, frozen=True, kw_only=True):
    """A key for payloads at rest: 32 bytes in base64."""

    id: KeyId
    key: Secret


class Encryption(Shape, frozen=True, kw_only=True):
    """Keys for payloads at rest: the first writes, all read."""

    keys: tuple[EncryptionKey, ...] = ()


class GatewayFile(Shape, frozen=True, kw_only=True):
    """gateway.yaml: what is true for all clinics."""

    mode: Annotated[Mode, Meta(title="mode")] = "development"
    database: Text = "sqlite:///var/gateway.db"
    accounts: dict[Label, Account] = {}
    apps: dict[Label, App] = {}
    adapter_paths: tuple[Text, ...] = ()
    answer_within: Annotated[float, Meta(ge=0, description="seconds")] = 5.0
    timeouts: Timeouts = Timeouts()
    follow: Follow = Follow()
    encryption: Encryption = Encryption()


# emr_capabilities.yaml, and a clinic's own `capabilities`


class Cell(Shape, frozen=True, kw_only=True):
    """What a row says of one field, and how we know."""

    need: NeedWord
    source: SourceWord | None = None
    checked: Day | None = None
    note: str | None = None


class Row(Shape, frozen=True, kw_only=True):
    """What one layer says of one operation; its source, date and note hold for cells that have none of their own."""

    supported: bool | None = None
    fields: dict[str, NeedWord | Cell] = {}
    one_of: tuple[Annotated[tuple[str, ...], Meta(min_length=1)], ...] = ()
    source: SourceWord | None = None
    checked: Day | None = None
    note: str | None = None


Rows = dict[OperationWord, Row]
CapabilityFile = dict[str, dict[str, Rows]]
"""emr_capabilities.yaml: vendor (an adapter's name) to EMR (or "*", every EMR of it) to rows."""


# clinics/*.yaml


class Defaults(Shape, frozen=True, kw_only=True):
    """What is filled in when a command leaves it out; a connection's own win over the clinic's."""

    title: Text | None = None
    title_from: Annotated[Literal["description"], Meta(title="title_from")] | None = None
    assignees: tuple[Text, ...] | None = None
    created_by: Text | None = None
    due_in: DueIn | None = None
    priority: PriorityWord | None = None
    type: Text | None = None
    tags: tuple[Text, ...] | None = None
    notify: tuple[Text, ...] | None = None
    phone_call_type_id: Text | None = None
    encounter_note_id: Text | None = None


class Connection(Shape, frozen=True, kw_only=True):
    """A clinic's link through an account."""

    account: Text
    emr: Text | None = None
    reference_id: Text | None = None
    credentials: dict[str, Any] = {}
    defaults: Defaults = Defaults()


class When(Shape, frozen=True, kw_only=True):
    """A route's conditions: fields ANDed, the values of one field ORed."""

    type: Text | tuple[Text, ...] | None = None
    priority: PriorityWord | tuple[PriorityWord, ...] | None = None
    status: StatusWord | tuple[StatusWord, ...] | None = None
    tags: Text | tuple[Text, ...] | None = None
    assignees: Text | tuple[Text, ...] | None = None
    created_by: Text | tuple[Text, ...] | None = None
    phone_call_type_id: Text | tuple[Text, ...] | None = None


class Route(Shape, frozen=True, kw_only=True):
    """One routing rule; the first that matches wins."""

    to: Text
    when: When = When()


class Person(Shape, frozen=True, kw_only=True):
    """A person or team of the directory: the display name, and the ids by connection (several for a team)."""

    name: Text
    ids: dict[str, Text | Annotated[tuple[Text, ...], Meta(min_length=1)]] = {}


class ClinicFile(Shape, frozen=True, kw_only=True):
    """One clinic."""

    id: Label
    name: Text
    timezone: Text
    connections: dict[Label, Connection]
    defaults: Defaults = Defaults()
    routes: tuple[Route, ...] = ()
    people: dict[Text, Person] = {}
    capabilities: dict[str, Rows] = {}
    give_up_after: Duration = "24h"
    hold_for: Duration = "7d"
    follow_work: Duration | None = None
    on_loss: Annotated[Literal["report", "refuse"], Meta(title="on_loss")] = "report"


def secret_schema(kind: type) -> dict[str, Any]:
    """The JSON Schema of a type that msgspec does not know: a secret is written as text. For `schema_hook`."""
    if kind is Secret:
        return {"type": "string", "description": "A secret, best a reference: ${env:NAME} or ${file:path}"}
    raise NotImplementedError(kind)
