"""What the three stand-ins are set to: keys, links, delays. Every default is an obvious fake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from msgspec import Struct

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class CobaltLink(Struct, frozen=True, kw_only=True):
    """One linked EMR login: what an `access_token` stands for.

    `reference_id` is the caller's own name for the link, and comes back in events as `access_token_reference_id`.
    `users` are the EMR users there are; None takes every id that does not start with `missing-`. `emr_tasks` are
    tasks which the EMR holds already, so that a note can be put on them.
    """

    emr: str
    reference_id: str
    users: frozenset[str] | None = None
    emr_tasks: frozenset[str] = frozenset()

    def has_user(self, ident: str | None) -> bool:
        """Whether the EMR has that user; nobody is fine too."""
        if not ident:
            return True
        return not ident.startswith("missing-") if self.users is None else ident in self.users


LAKESIDE = CobaltLink(
    emr="eclinicalworks",
    reference_id="user_lakeside",
    emr_tasks=frozenset({"9bef4113-e9ce-4895-9a17-2c18cd625116"}),  # the sample of the page on task notes
)
RIVERBEND = CobaltLink(emr="athenahealth", reference_id="user_riverbend")

REQUIRES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "athenahealth": ("subject", "assignee_user_id"),
        "nextgen": ("subject", "assignee_user_id", "phone_call_type_id"),
        "eclinicalworks": (),
    }
)
"""Which conditional task fields an EMR requires. No page says; these are examples, and other EMRs require none."""


LINKS: Mapping[str, CobaltLink] = MappingProxyType({"at_lakeside": LAKESIDE, "at_riverbend": RIVERBEND})
"""The links there are, by access token."""


class CobaltSettings(Struct, frozen=True, kw_only=True):
    """Cobalt's account, its links by access token, and how it delivers.

    Webhooks go to `webhook_urls` and to those registered over POST /v1/webhook. A result comes `completion_delay`
    seconds after its request; a failed push is tried again once, after `retry_after` seconds.
    """

    client_id: str = "ci_sandbox"
    client_secret: str = "cs_sandbox"  # noqa: S105 - a fake
    webhook_secret: str = "whsec_cobalt_sandbox"  # noqa: S105 - a fake
    links: Mapping[str, CobaltLink] = LINKS
    requires: Mapping[str, tuple[str, ...]] = REQUIRES
    webhook_urls: tuple[str, ...] = ()
    completion_delay: float = 0.3
    retry_after: float = 1.0


class TaskApiSettings(Struct, frozen=True, kw_only=True):
    """The task API's one company.

    `webhook_urls` are subscribed from the start, signed with `webhook_secret`; those made over POST /v1/webhooks get
    a secret of their own. `retry_after` are the waits before each repetition of a push that was not answered 2xx.
    """

    api_key: str = "sk_sandbox"
    webhook_secret: str = "whsec_task_api_sandbox"  # noqa: S105 - a fake
    webhook_urls: tuple[str, ...] = ()
    company_id: str = "c0ffee00-0000-4000-8000-000000000001"
    retry_after: tuple[float, ...] = (60.0, 300.0)


class Provider(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of MaxCare's providers, as `assignedProviders` shows it."""

    id: str
    first_name: str
    last_name: str
    display_first_name: str
    display_last_name: str
    username: str
    roles: tuple[str, ...] = ("Physician",)
    individual_npi: str = "1234567890"
    can_finalize: bool = True
    can_cosign: bool = False


JAMES_WILSON = Provider(
    id="prv_d4e5f6a7b8c94d0e1f2a3b4c5d6e7f8a",
    first_name="James",
    last_name="Wilson",
    display_first_name="Dr. James",
    display_last_name="Wilson, MD",
    username="jwilson",
)
"""The provider of the create-a-task page's sample."""


class MaxCareSettings(Struct, frozen=True, kw_only=True):
    """MaxCare's app key and the organizations that installed it.

    Provider ids beside `providers` are taken too, and shown under a made-up name. `reply_notes_length` cuts `notes`
    in replies, as the page's sample does; `per_minute` is the documented cap over all organizations.
    """

    api_key: str = "max_dev_ak_sandbox"
    organizations: tuple[str, ...] = ("org_harbor",)
    providers: tuple[Provider, ...] = (JAMES_WILSON,)
    ehr_type: str = "modmed"
    reply_notes_length: int | None = None
    per_minute: int = 1000


class SandboxSettings(Struct, frozen=True, kw_only=True):
    """All three, as they are served together."""

    cobalt: CobaltSettings = CobaltSettings()
    task_api: TaskApiSettings = TaskApiSettings()
    maxcare: MaxCareSettings = MaxCareSettings()
