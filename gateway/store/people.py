"""The store's side of the console: who is signed in, what waits for people, and how patients are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from gateway.store import audit, counting, patients, sessions
from gateway.store.audit import Act
from gateway.store.counting import Asked, Open
from gateway.store.rows import Tx
from gateway.store.sessions import Session
from gateway.store.transactions import Transactions


class ForPeople(Transactions):
    """What only people want to know and do."""

    async def sign_in(self, session: Session, act: Act, idle: timedelta, longest: timedelta) -> None:
        """Begin a session and keep the act; those that are over are forgotten."""
        now = session.begun_at

        def begin(tx: Tx) -> None:
            audit.record(tx, act, now)
            sessions.sweep(tx, now - longest, now - idle)
            sessions.begin(tx, session)

        await self.write(begin)

    async def session(self, digest: str) -> Session | None:
        """The session of a token with that digest."""
        return await self.read(lambda tx: sessions.find(tx, digest))

    async def session_seen(self, digest: str, at: datetime) -> None:
        """A session was used."""
        await self.write(lambda tx: sessions.seen(tx, digest, at))

    async def sign_out(self, digest: str) -> None:
        """A session is over."""
        await self.write(lambda tx: sessions.end(tx, digest))

    async def sessions(self, app: str) -> Sequence[Session]:
        """Every session with a key of the app, the newest first, whether or not it still lasts."""
        return await self.read(lambda tx: sessions.of_app(tx, app))

    async def sign_out_others(self, session: Session, act: Act, now: datetime) -> None:
        """Every other session of its app is over; the act is kept."""

        def end(tx: Tx) -> None:
            audit.record(tx, act, now)
            sessions.end_others(tx, session)

        await self.write(end)

    async def asked_of_people(self, clinics: frozenset[str]) -> Asked:
        """How much waits for a person at these clinics ("*": all)."""
        return await self.read(lambda tx: counting.asked_of_people(tx, clinics))

    async def open_work(self, clinics: frozenset[str]) -> Mapping[tuple[str, str], Open]:
        """What is under way at each connection of these clinics that has something under way."""
        return await self.read(lambda tx: counting.open_work(tx, clinics))

    async def patient_hashes(self, reference: str) -> tuple[str, ...]:
        """What a patient's reference may be noted as."""
        return await self.read(lambda tx: patients.hashes(tx, reference))
