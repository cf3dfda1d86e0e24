"""Reading what a vendor pushes. The gateway knows a webhook by its bytes and its event id; here it is read alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.conformance import bodies
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.conformance.replay import seen, shown
from gateway.conformance.samples import WebhookSample
from gateway.files.source import dotted
from gateway.flows.receive import KEPT_HEADERS
from schemas.outcome import Sighting

_TYPES = frozenset({"type", "event", "event_type", "eventtype", "event_name", "topic", "action", "kind"})


def pushed(it: Subject) -> bool:
    """Whether the vendor pushes anything."""
    return it.adapter.pushes != "nothing"


def what_is_pushed_has_samples(it: Subject) -> Faults:
    """What the vendor pushes has a sample that tells of a command.

    Write `webhook.<case>.json` with `webhook: {headers, body, secret}` and the `sightings` it makes.
    """
    if not any(told.get("says") != "other" for sample in it.samples.webhooks for told in sample.sightings):
        yield Fault("pushes", f"'{it.adapter.pushes}', but no sample of a webhook tells of a command")


def a_webhook_replays(it: Subject) -> Faults:
    """Each sample of a webhook says what the sample says.

    What differs is told; mend the adapter, or the sample if it is not what the page says.
    """
    for sample in it.samples.webhooks:
        read = seen(_read(it, sample))
        if read != list(sample.sightings):
            yield Fault(sample.name, f"read as {json.dumps(read)}, the sample has {json.dumps(sample.sightings)}")


def a_webhook_says_the_same_each_time(it: Subject) -> Faults:
    """A webhook that comes twice, or after others, says the same.

    Vendors repeat and reorder. Nothing may be remembered between calls.
    """
    first = {sample.name: seen(_read(it, sample)) for sample in it.samples.webhooks}
    for sample in reversed(it.samples.webhooks):
        for _ in range(2):
            if seen(_read(it, sample)) != first[sample.name]:
                yield Fault(sample.name, "says something else when it comes again")


def only_kept_headers_are_read(it: Subject) -> Faults:
    """A webhook is read from its body, and from headers that the gateway keeps.

    A webhook is stored and read later; of its headers only these stay: content-type, user-agent, webhook-id,
    webhook-timestamp, webhook-attempt. `verify_webhook` sees all of them.
    """
    for sample in it.samples.webhooks:
        kept = {name: text for name, text in sample.webhook.headers.items() if name in KEPT_HEADERS}
        if seen(it.adapter.parse_webhook(kept, sample.body)) != seen(_read(it, sample)):
            yield Fault(sample.name, "says something else without headers that are not kept")


def the_order_of_keys_does_not_matter(it: Subject) -> Faults:
    """A webhook whose keys come in another order says the same.

    Decode the whole body before reading anything of it.
    """
    for sample in it.samples.webhooks:
        turned = bodies.altered(bodies.document(sample.webhook.body), lambda part: dict(reversed(part.items())))
        if seen(it.adapter.parse_webhook(sample.webhook.headers, bodies.encoded(turned))) != seen(_read(it, sample)):
            yield Fault(sample.name, "says something else with its keys turned")


def what_the_vendor_adds_to_a_webhook_changes_nothing(it: Subject) -> Faults:
    """New fields in a webhook, and moments in another form, change nothing.

    Read into Structs that do not forbid unknown fields; leave moments out.
    """
    for sample in it.samples.webhooks:
        document = bodies.document(sample.webhook.body)
        before = _telling(_read(it, sample))
        for what, changed in _variants(document):
            try:
                after = _telling(it.adapter.parse_webhook(sample.webhook.headers, bodies.encoded(changed)))
            except Exception as error:  # noqa: BLE001 - whatever it raises, the webhook is lost
                yield Fault(sample.name, f"{what} raises {type(error).__name__}")
                continue
            if after != before:
                yield Fault(sample.name, f"{what} makes it say something else")


def _variants(document: Any) -> Iterator[tuple[str, Any]]:
    yield "a field that no page names", bodies.grown(document)
    for at, value in bodies.leaves(document):
        for form in bodies.CLOCKS if bodies.is_moment(value) else ():
            yield f"{form!r} at {dotted(at)}", bodies.replaced(document, at, form)


def an_unknown_event_is_read_and_proves_nothing(it: Subject) -> Faults:
    """An event of a type that no page names is read, and proves nothing.

    Say "other"; or "changed", which makes the gateway look.
    """
    for sample in it.samples.webhooks:
        changed = bodies.altered(bodies.document(sample.webhook.body), _unheard)
        try:
            says = {sighting.says for sighting in it.adapter.parse_webhook({}, bodies.encoded(changed))}
        except Exception as error:  # noqa: BLE001 - whatever it raises is the fault
            yield Fault(sample.name, f"with a type of tomorrow it raises {type(error).__name__}")
            continue
        if not says <= {"other", "changed"}:
            yield Fault(sample.name, f"with a type of tomorrow it says {', '.join(sorted(says))}")


def _unheard(part: dict[str, Any]) -> dict[str, Any]:
    return {key: "brand.new" if key.lower() in _TYPES and isinstance(told, str) else told for key, told in part.items()}


def no_unreadable_webhook_tells_of_a_command(it: Subject) -> Faults:
    """A webhook that cannot be read raises, or says nothing of any command.

    Decode into a Struct; ids that are not there must not become "None".
    """
    for kind, body in bodies.UNREADABLE.items():
        for sighting in _or_nothing(it, {}, body):
            if sighting.says != "other" or sighting.ids:
                yield Fault("parse_webhook", f"{kind} says '{sighting.says}'")
    for sample in it.samples.webhooks:
        for beginning in bodies.beginnings(sample.webhook.body):
            if any(sighting.says != "other" for sighting in _or_nothing(it, sample.webhook.headers, beginning)):
                yield Fault(sample.name, f"its first {len(beginning)} bytes tell of a command")


def _or_nothing(it: Subject, headers: Mapping[str, str], body: bytes) -> list[Sighting]:
    try:
        return list(it.adapter.parse_webhook(headers, body))
    except Exception:  # noqa: BLE001 - the gateway keeps it as unreadable
        return []


def _read(it: Subject, sample: WebhookSample) -> list[Sighting]:
    return list(it.adapter.parse_webhook(sample.webhook.headers, sample.body))


def _telling(sightings: list[Sighting] | Any) -> list[dict[str, Any]]:
    """What sightings prove, without the fields they echo."""
    return [{key: told for key, told in shown(each).items() if key != "values"} for each in sightings]


GROUP = Group(
    title="Webhooks",
    concerns=pushed,
    otherwise="the vendor pushes nothing",
    checks=(
        what_is_pushed_has_samples,
        a_webhook_replays,
        a_webhook_says_the_same_each_time,
        only_kept_headers_are_read,
        the_order_of_keys_does_not_matter,
        what_the_vendor_adds_to_a_webhook_changes_nothing,
        an_unknown_event_is_read_and_proves_nothing,
        no_unreadable_webhook_tells_of_a_command,
    ),
)
