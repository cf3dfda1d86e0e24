"""Cobalt's claims: one for each appointment, unless it failed (create-claim and list-claims pages)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from msgspec import Struct

from gateway.sandbox.cobalt_replies import day, iso, paged
from gateway.sandbox.stand import Json

PENDING, COMPLETED, FAILED = "pending_create", "completed", "failed"

_emr_numbers = itertools.count(100234)


class Claim(Struct):
    """A claim, and the three numbers that the EMR has for it, its appointment and its patient."""

    access_token: str
    claim_id: str
    appointment_id: str
    patient_mrn: str
    emr_claim_id: str
    emr_appointment_id: str
    emr_patient_id: str
    created_at: datetime
    status: str = PENDING

    @classmethod
    def of(cls, access_token: str, appointment_id: str, at: datetime) -> Claim:
        """A new claim; its patient is made up from the appointment."""
        number = next(_emr_numbers)
        return cls(
            access_token=access_token,
            claim_id=uuid4().hex,
            appointment_id=appointment_id,
            patient_mrn=f"MRN-{appointment_id[-5:]}",
            emr_claim_id=str(number),
            emr_appointment_id=str(number + 400_000),
            emr_patient_id=str(number - 60_000),
            created_at=at,
        )

    def blocks(self, access_token: str, appointment_id: str) -> bool:
        """Whether a second claim is refused on this one's account; failed claims do not block retries."""
        same = (self.access_token, self.appointment_id) == (access_token, appointment_id)
        return same and self.status != FAILED

    def settle(self, worked: bool) -> None:  # noqa: FBT001 - a callback's one argument
        """The end of the claim's job."""
        self.status = COMPLETED if worked else FAILED

    def ids(self) -> Json:
        """What both of its events carry."""
        return {
            "claim_id": self.claim_id,
            "appointment_id": self.appointment_id,
            "patient_mrn": self.patient_mrn,
        }

    def emr_ids(self) -> Json:
        """What only the good event adds."""
        return {
            "emr_claim_id": self.emr_claim_id,
            "emr_appointment_id": self.emr_appointment_id,
            "emr_patient_id": self.emr_patient_id,
        }

    def item(self) -> Json:
        """What GET /v1/claims shows of it: the EMR's ids only once it is there."""
        emr = self.emr_ids() if self.status == COMPLETED else dict.fromkeys(self.emr_ids())
        return {**self.ids(), **emr, "status": self.status, "created_at": iso(self.created_at)}


def list_claims(claims: list[Claim], access_token: str, query: Mapping[str, str]) -> Json:
    """The answer of GET /v1/claims: this link's claims, newest first."""
    since, until = day(query, "start_date"), day(query, "end_date")
    found = [
        claim.item()
        for claim in reversed(claims)
        if claim.access_token == access_token
        and (since is None or claim.created_at.date() >= since)
        and (until is None or claim.created_at.date() <= until)
    ]
    return paged("claims", found, query)
