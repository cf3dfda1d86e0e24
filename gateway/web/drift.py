"""Where vendors' answers and the capability table differ."""

from __future__ import annotations

from litestar import Controller, get
from msgspec import structs

from gateway.flows.configured import Configured
from gateway.store.drift import Observation, Trial
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.clinics import field_rule
from gateway.web.problems import problems
from gateway.web.replies import Drift, DriftObservation, DriftTrial, FieldRule
from gateway.web.services import Served, Services


class CapabilityTable(Controller):
    """What was learnt of the capability table."""

    path = "/v1/capabilities"
    tags = ("clinics",)

    @get(
        "/drift", guards=[needs("read")], responses=problems(),
        summary="What vendors wanted beyond the capability table",
    )  # fmt: skip
    async def drift(self, request: StrictRequest, services: Served) -> Drift:
        """Fields that vendors refused commands for though the table does not require them, and how rules on trial fare.

        `task-gateway capabilities suggest` makes the rows to add of it.
        """
        return await learnt(services, request.user.clinics)


async def learnt(services: Services, clinics: frozenset[str]) -> Drift:
    """What was learnt at these clinics ("*": all), beside what the table in force says by now."""
    known = await services.store.drift(clinics)
    configured = services.configured
    return Drift(
        items=[
            DriftObservation(**structs.asdict(seen), rule=_rule(configured, seen, seen.field))
            for seen in known.observations
        ],
        trials=[
            DriftTrial(**structs.asdict(trial), rule=_rule(configured, trial, trial.field)) for trial in known.trials
        ],
    )


def _rule(configured: Configured, at: Observation | Trial, field: str | None) -> FieldRule | None:
    """What the table in force says of the field there."""
    connection = configured.connection(at.clinic_id, at.connection)
    if connection is None or field is None or (connection.adapter.name, connection.emr) != (at.vendor, at.emr):
        return None
    return field_rule(connection, at.operation, field)
