"""What a vendor or its adapter says that is kept in the open: codes and states, as long as they are no more than that.

They stand unsealed in the database, in log lines and in spans. A code is the adapter's own word, but an adapter may
hand a vendor's text on, and a vendor may repeat what it was told.
"""

from __future__ import annotations

import re

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,59}")
_STATE = re.compile(r"\w[\w ./-]{0,39}")

UNNAMED = "unnamed"
"""The code of an outcome whose own is no code."""


def code(text: str) -> str:
    """The code, if it is one word."""
    return text if _CODE.fullmatch(text) else UNNAMED


def state(text: str | None) -> str | None:
    """A vendor's word for where a task stands, if it is as short as such a word."""
    return text if text is not None and _STATE.fullmatch(text) else None
