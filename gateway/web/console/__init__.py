"""The console: pages for the people who run the gateway, made here whole, with nothing from anywhere else."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from gateway.web.console import (
    acts,
    audit,
    callbacks,
    clinics,
    configuration,
    connections,
    deliveries,
    delivery,
    forms,
    inbox,
    live,
    sessions,
    signed_in,
    signing_in,
    static,
    webhooks,
)
from gateway.web.console.pages import HANDLERS
from gateway.web.quota import within_quota

__all__ = ["console"]

console = Router(
    "/console",
    route_handlers=[
        signing_in.show, signing_in.sign_in, signing_in.sign_out, static.static, live.live,
        signed_in.show, signed_in.end_others,
        inbox.show,
        deliveries.show, deliveries.search, delivery.show, delivery.reveal,
        acts.resolve, acts.retry, acts.cancel, acts.redeliver,
        connections.show, connections.pause, connections.resume,
        clinics.show, clinics.show_one,
        webhooks.show, callbacks.show, callbacks.resume,
        audit.show, configuration.show, configuration.reload,
    ],
    dependencies={"form": Provide(forms.posted)},
    guards=[sessions.signed_in, within_quota],
    opt={"session": True},
    exception_handlers=dict(HANDLERS),
    include_in_schema=False,
)  # fmt: skip
