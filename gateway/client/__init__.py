"""A typed client of the gateway's API on the same schemas, awaited or not, and what an app's own tests need.

with Client("http://127.0.0.1:8080", key) as gateway:
    delivery = gateway.create_task(CreateTask(clinic_id="lakeside-family", description="Call back."))
    delivery = gateway.wait(delivery.id)
"""

from gateway.client.errors import Conflict, NotAllowed, NotFound, ProblemError, Refused, Rejected, TryLater
from gateway.client.fake import FakeGateway
from gateway.client.flavours import AsyncClient, Client, new_key
from gateway.client.receiving import BadCallback, verify_webhook
from gateway.errors import Unreachable

__all__ = [
    "AsyncClient", "BadCallback", "Client", "Conflict", "FakeGateway", "NotAllowed", "NotFound", "ProblemError",
    "Refused", "Rejected", "TryLater", "Unreachable", "new_key", "verify_webhook",
]  # fmt: skip
