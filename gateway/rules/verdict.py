"""What an attempt proved: from whether a byte may have left, and from the vendor's answer read by its adapter.

Whether a failure is "not applied" or "unknown" hangs on the mark alone, never on the class of an exception.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from msgspec import structs

from adapters.base import Adapter, HttpResponse, Sent, by_status
from gateway.rules import wording
from schemas.outcome import Applied, Blocked, NotApplied, Outcome, Pending, Refused, Unknown

NOT_MARKED = "not-marked"
"""The database did not take the mark, so that nothing was sent: the vendor has no part in it."""

_UNTRUSTED = frozenset({"transport:ClientConnectorCertificateError", "transport:ClientConnectorSSLError"})
_PATIENCE = 3
"""So many tries may fail for the vendor's certificate until the connection is blocked for it."""


def without_answer(*, begun: bool, fault: str, tries: int = 1) -> Outcome:
    """No complete answer came: if no byte left, nothing was applied; else nobody knows.

    A certificate that is still not accepted at the third of `tries` blocks: waiting alone will not mend it.
    """
    if begun:
        return Unknown(code=fault)
    if fault in _UNTRUSTED and tries >= _PATIENCE:
        return Blocked(code="tls", message="the vendor's certificate is not accepted")
    return NotApplied(code=fault)


def of_answer(adapter: Adapter[Any, Any], sent: Sent, response: HttpResponse, *, doubt: bool) -> Outcome:
    """What the vendor's answer proves. `doubt`: an earlier attempt may have been applied."""
    answered = read_answer(adapter, sent, response)
    if isinstance(answered, Applied | Pending) and not any(answered.ids.values()):
        return Unknown(code="no-id")
    if doubt and isinstance(answered, Refused) and (answered.code == "duplicate" or response.status == 409):  # noqa: PLR2004 - a status is its own best name
        return Unknown(code="probably-ours")
    return _in_our_words(adapter, sent, answered)


def _in_our_words(adapter: Adapter[Any, Any], sent: Sent, answered: Outcome) -> Outcome:
    """A code that is one word; of a refusal, also our name for the field at fault if it has a place."""
    if not isinstance(answered, Applied | Pending):
        answered = structs.replace(answered, code=wording.code(answered.code))
    if not isinstance(answered, Refused):
        return answered
    ours = None if answered.field is None else adapter.ours(sent.operation, answered.field)
    return structs.replace(answered, ours=ours)


def read_answer(adapter: Adapter[Any, Any], sent: Sent, response: HttpResponse) -> Outcome:
    """The adapter's own reading of an answer.

    What the adapter cannot read, by an exception or by what is no outcome, is unknown on a 2xx (it was probably
    applied), else what the status proves.
    """
    succeeded = 200 <= response.status < 300  # noqa: PLR2004 - the class of successes
    if response.headers.get("content-encoding", "identity") == "identity":
        with suppress(Exception):  # a vendor's answer may break a parser in any way
            read: object = adapter.parse_success(sent, response) if succeeded else adapter.parse_error(sent, response)
            if isinstance(read, Outcome):
                return read
    return Unknown(code="unreadable") if succeeded else by_status(response)
