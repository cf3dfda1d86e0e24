"""The request headers of a submit, as the OpenAPI document shows them."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    description=(
        "The same for every try of one command, quoted or bare. The same key and body give the delivery as it is now; "
        "another body is a 422. Some apps must send it."
    ),
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255),
)
_PREFER = Parameter(
    name="Prefer",
    param_in="header",
    description=(
        "respond-async: answer right after the commit. wait=N: wait up to N seconds (at most 25) for a final state. "
        "handling=strict: refuse what the vendor has no place for."
    ),
    schema=Schema(type=OpenAPIType.STRING),
)


@dataclass
class Submitting(Operation):
    """An operation that takes both."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), _KEY, _PREFER]


@dataclass
class Explaining(Operation):
    """An operation that takes `Prefer`."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), _PREFER]
