"""What an adapter says of itself: its name, its tables, its credentials, and that nothing in the file is left to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import get_args
from urllib.parse import urlsplit

from adapters.base import Adapter, Pushes, Secret
from gateway.conformance.canaries import fields, link
from gateway.conformance.check import Fault, Faults, Group, Subject
from schemas.command import LISTS

_SOUNDS_SECRET = re.compile(r"key|secret|token|password|passphrase|credential", re.IGNORECASE)
_LEFT = re.compile(r"\b(to-?do|tbd|fixme|xxx|NotImplemented(?:Error)?)\b", re.IGNORECASE)
_IDLE: Mapping[Pushes, tuple[str, ...]] = {
    "nothing": ("verify_webhook", "parse_webhook"), "unsigned": ("verify_webhook",), "signed": (),
}  # fmt: skip
"""The functions that are of no use, by what the vendor pushes."""
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


def name_origin_and_page_are_given(it: Subject) -> Faults:
    """The name, the origin and the documentation page have their form.

    `name` is what configuration calls the vendor: lower-case letters, digits and underscores. `base_url` is the origin
    alone (https://api.vendor.example); paths belong to operations. `docs` is the page the adapter was written from.
    """
    adapter = it.adapter
    if not re.fullmatch(r"[a-z][a-z0-9_]*", adapter.name):
        yield Fault("name", f"'{adapter.name}' is not lower-case letters, digits and underscores")
    if not is_address(adapter.base_url) or adapter.base_url.count("/") != len("//"):
        yield Fault("base_url", f"'{adapter.base_url}' is no https:// origin without a path")
    if not is_address(adapter.docs):
        yield Fault("docs", f"'{adapter.docs}' is no https:// address")


def is_address(text: str) -> bool:
    """Whether a text is the address of a page or an origin, with a host that can be one."""
    try:
        parts = urlsplit(text)
        return parts.scheme == "https" and _HOST.fullmatch(parts.hostname or "") is not None
    except ValueError:
        return False


def something_can_be_done(it: Subject) -> Faults:
    """At least one operation is declared, and one of its fields is required.

    `operations` is a tuple of Operation; what the vendor refuses to do without is `Place(wire, "required")`.
    """
    if not it.adapter.operations:
        yield Fault("operations", "is empty")
    for operation in it.adapter.operations:
        if not any(spot.need == "required" for spot in operation.places.values()):
            yield Fault(operation.name, "requires nothing, so an empty command would be sent")


def no_two_fields_go_to_one_place(it: Subject) -> Faults:
    """No two fields go to one place.

    The later one would overwrite the earlier. Give one of them its own wire name, or fold it.
    """
    for operation in it.adapter.operations:
        taken: dict[str, str] = {}
        for path, spot in operation.places.items():
            if spot.wire is not None and taken.setdefault(spot.wire, path) != path:
                yield Fault(operation.name, f"'{path}' and '{taken[spot.wire]}' both go to '{spot.wire}'")
        for (wire, path), (above, other) in product(taken.items(), repeat=2):
            if wire.startswith(f"{above}."):
                yield Fault(operation.name, f"'{path}' goes to '{wire}', and '{other}' to '{above}' above it")


def only_lists_are_cut(it: Subject) -> Faults:
    """Only lists are cut to a number of elements.

    `most` is for the fields that hold lists: assignees, notify, tags.
    """
    for operation in it.adapter.operations:
        for path, spot in operation.places.items():
            if spot.most is not None and path not in LISTS:
                yield Fault(operation.name, f"'{path}' is no list, yet has most={spot.most}")
            if spot.most is not None and spot.most < 1:
                yield Fault(operation.name, f"most={spot.most} leaves nothing of '{path}'")


def a_folded_field_is_never_required(it: Subject) -> Faults:
    """A folded field is never required, nor something that only some EMRs want.

    A field without a place of its own joins the text; there is nothing the vendor could miss. Write FOLDED.
    """
    for operation in it.adapter.operations:
        for path, spot in operation.places.items():
            if spot.wire is None and spot.need != "optional":
                yield Fault(operation.name, f"'{path}' has no place, yet is '{spot.need}'")


def what_is_written_is_used(it: Subject) -> Faults:
    """What is written is used: no function and no sample is for what the adapter says the vendor has not.

    `pushes` says which functions for webhooks are called, and is "nothing" where it is left out; a token is asked for
    only where `build_token` builds a request. Say what the vendor has, or take the rest out.
    """
    pushes = it.adapter.pushes
    for name in _IDLE[pushes]:
        if getattr(type(it.adapter), name) is not getattr(Adapter, name):
            yield Fault(name, f"is not called while pushes is '{pushes}'")
    if pushes == "nothing":
        yield from (Fault(hook.name, "is not played while pushes is 'nothing'") for hook in it.samples.webhooks)
    if it.adapter.build_token(link(it.adapter, token=None)) is None:
        yield from (Fault(call.name, "is not played, since build_token builds nothing") for call in it.samples.tokens)


def secrets_are_secret(it: Subject) -> Faults:
    """Every credential that sounds like a secret is a Secret.

    Give the field the type `Secret`; it prints as *** and its text is reached by `reveal()`.
    """
    for level, field in fields(it.adapter):
        kinds = get_args(field.type) or (field.type,)
        if _SOUNDS_SECRET.search(field.name) and str in kinds and Secret not in kinds:
            yield Fault(f"{level}.{field.name}", "is a str, which prints")


def nothing_is_left_to_do(it: Subject) -> Faults:
    """Nothing in the file and in the samples is left to do.

    Do it, or write down as a fact what the vendor leaves open; leave out a function that does nothing, since the
    default says "the vendor has none". Where the word is the vendor's own (a status "todo"), a sample shows it.
    """
    own = {word.lower() for body in _bodies(it) for word in _LEFT.findall(body)}
    for number, line in enumerate(it.text.splitlines(), 1):
        code, _, comment = line.partition("#")
        for found in (*_LEFT.findall(comment), *(word for word in _LEFT.findall(code) if word.lower() not in own)):
            yield Fault(f"{it.file.name}:{number}", found)
    for node in ast.walk(ast.parse(it.text)):
        if isinstance(node, ast.FunctionDef) and all(map(_is_idle, node.body)):
            yield Fault(f"{it.file.name}:{node.lineno}", f"{node.name} does nothing")
    for sample in it.samples.all:
        for found in _LEFT.findall(f"{sample.source} {sample.about} {sample.date}"):
            yield Fault(sample.name, found)


def _bodies(it: Subject) -> Iterator[str]:
    """What the vendor itself wrote, as far as samples show it."""
    yield from (sample.response.body for sample in (*it.samples.answers, *it.samples.lookups, *it.samples.tokens))
    yield from (sample.webhook.body for sample in it.samples.webhooks)


def _is_idle(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


GROUP = Group(
    title="Declaration",
    checks=(
        name_origin_and_page_are_given,
        something_can_be_done,
        no_two_fields_go_to_one_place,
        only_lists_are_cut,
        a_folded_field_is_never_required,
        what_is_written_is_used,
        secrets_are_secret,
        nothing_is_left_to_do,
    ),
)
