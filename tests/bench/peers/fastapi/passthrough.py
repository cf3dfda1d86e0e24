"""What is written by hand today: FastAPI checks a task, httpx hands it on, and nothing is kept.

One client for all requests. PASSTHROUGH_KEPT=1: connections to the vendor are used again. No more than
PASSTHROUGH_AT_ONCE are open: httpx looks through its whole pool for each request, so a large one is slow.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

AT_ONCE = int(os.environ["PASSTHROUGH_AT_ONCE"])
KEPT = AT_ONCE if os.environ["PASSTHROUGH_KEPT"] == "1" else 0
PEOPLE = {"dr-wilson": "c41d", "gateway": "b0b1"}


class Closed(BaseModel):
    """A part of the body; what is unknown is refused."""

    model_config = ConfigDict(extra="forbid")


class Patient(Closed):
    mrn: str | None = None
    ids: dict[str, str] = {}


class Source(Closed):
    call_id: str | None = None
    fax_id: str | None = None


class Task(Closed):
    """The canonical task."""

    clinic_id: str
    title: str = Field(min_length=1)
    description: str = Field(min_length=1, max_length=32768)
    patient: Patient
    assignees: list[str] = Field(min_length=1)
    due_at: datetime
    priority: Literal["low", "medium", "high", "urgent"] = "medium"
    type: str | None = None
    tags: list[str] = []
    source: Source = Source()
    reference: str | None = None


class Created(BaseModel):
    """The answer."""

    id: str
    state: str
    reference: str | None


def vendors(task: Task) -> dict[str, Any]:
    """The task in the vendor's words."""
    return {
        "title": task.title,
        "description": task.description,
        "patient_id": task.patient.ids.get("task_api"),
        "assigned_user_ids": [PEOPLE[name] for name in task.assignees],
        "created_by_id": PEOPLE["gateway"],
        "deadline": task.due_at.isoformat(),
        "priority": task.priority,
        "type": task.type,
        "tags": task.tags,
        "call_id": task.source.call_id,
    }


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(
        base_url=os.environ["PASSTHROUGH_VENDOR"],
        headers={"X-API-Key": "sk_sandbox"},
        limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=KEPT),
        timeout=30,
        trust_env=False,
    ) as http:
        app.state.http = http
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/v1/tasks", status_code=201)
async def create(task: Task) -> Created:
    """Hand it on, and tell what came of it."""
    http: httpx.AsyncClient = app.state.http
    answer = await http.post("/v1/tasks", json=vendors(task))
    if not answer.is_success:
        raise HTTPException(502, "the vendor refused it")
    made = answer.json()
    return Created(id=made["id"], state=made["status"], reference=task.reference)
