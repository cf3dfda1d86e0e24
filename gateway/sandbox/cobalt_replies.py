"""The forms of Cobalt's answers: its error envelope, its lists and its times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from gateway.sandbox.stand import Json, Refusal, number


def paged(key: str, items: list[Json], query: Mapping[str, str]) -> Json:
    """One page of `items` under `key`, as the webhook-events page pages: 50 unless asked, 100 at most."""
    page, size = number(query, "page", 1), number(query, "page_size", 50, most=100)
    if page is None or size is None:
        raise refusal(400, "Invalid pagination: page starts at 1 and page_size is from 1 to 100.")
    pagination = {
        "current_page": page,
        "total_pages": -(-len(items) // size),
        "total_count": len(items),
        "page_size": size,
    }
    return {"success": True, key: items[(page - 1) * size : page * size], "pagination": pagination}


def refusal(status: int, message: str) -> Refusal:
    """Cobalt's error envelope."""
    return Refusal(status, {"success": False, "message": message})


def refuse_bad_choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> None:
    """Refuses a query parameter whose value is not one of `allowed`."""
    if name in query and query[name] not in allowed:
        raise refusal(400, f"Invalid {name}: must be one of {', '.join(allowed)}.")


def day(query: Mapping[str, str], name: str) -> date | None:
    """A YYYY-MM-DD of the query."""
    if name not in query:
        return None
    try:
        return datetime.strptime(query[name], "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise refusal(400, f"Invalid {name}: use YYYY-MM-DD.") from None


def iso(at: datetime) -> str:
    """A time as the pages' events show it: `2025-10-09T10:30:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
