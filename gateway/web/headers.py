"""What the framework cannot tell of an operation by itself, as the OpenAPI document shows it: headers, and a reason."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Parameter, RequestBody, Schema

_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    description=(
        "The same for every try of one command, quoted or bare. The same key and body give the delivery as it is now; "
        "another body is a 422. Some apps must send it."
    ),
    schema=Schema(
        type=OpenAPIType.STRING,
        pattern=r'^("[!-~]([ -~]{0,253}[!-~])?"|[!#-~]([ -~]{0,253}[!-~])?|"([ -~]{0,253}[!#-~])?)?$',
    ),
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


_IF_MATCH = Parameter(
    name="If-Match",
    param_in="header",
    description=(
        "The ETag of the delivery as you saw it. If it has changed since, nothing is done and the answer is a 412: "
        "what was found may be true of an earlier attempt only."
    ),
    schema=Schema(type=OpenAPIType.STRING, pattern=r'^(\*|"[0-9]{1,9}")$'),
)


_REASON = Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL], max_length=32768)
_WHY = RequestBody(
    content={
        "application/json": OpenAPIMediaType(
            schema=Schema(type=OpenAPIType.OBJECT, properties={"reason": _REASON}, additional_properties=False)
        )
    },
    required=False,
    description="Why: it is kept in the audit trail",
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


@dataclass
class Asking(Operation):
    """An operation that takes `If-Match`."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), _IF_MATCH]


@dataclass
class Reasoned(Operation):
    """An operation whose body says why, and may be left out."""

    def __post_init__(self) -> None:
        self.request_body = _WHY


@dataclass
class Cancelling(Asking):
    """An operation that takes `If-Match`, and such a body."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.request_body = _WHY
