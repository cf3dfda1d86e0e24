"""What a configuration can do, clinic by clinic, and what is to be known before it goes live."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from gateway.rules.clinic import Clinic, Config, Connection
from gateway.rules.findings import Finding, of_account, of_clinic
from gateway.rules.reach import ROUTED, reached
from gateway.rules.routing import offers
from gateway.rules.wanted import wanted
from schemas.command import NAMING, Name


class Able(Struct, frozen=True, kw_only=True):
    """One operation of a connection: what callers supply, and the rules that lead to it; or why it is not offered."""

    operation: Name
    offered: bool
    why_not: str | None = None
    supply: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    on_trial: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


class Connected(Struct, frozen=True, kw_only=True):
    """One connection of a clinic."""

    name: str
    account: str
    adapter: str
    emr: str | None
    operations: tuple[Able, ...]


class Checked(Struct, frozen=True, kw_only=True):
    """One clinic."""

    id: str
    name: str
    timezone: str
    config_version: str
    connections: tuple[Connected, ...]
    findings: tuple[Finding, ...]


class Report(Struct, frozen=True, kw_only=True):
    """The whole configuration; `findings` are those of no clinic, `warnings` what loading it said."""

    clinics: tuple[Checked, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing that is set up can only fail."""
        found = (*self.findings, *(finding for clinic in self.clinics for finding in clinic.findings))
        return all(finding.severity != "error" for finding in found)


def check(config: Config, now: datetime) -> Report:
    """The report; `now` is for defaults by date, and changes nothing else."""
    return Report(
        clinics=tuple(_checked(clinic, config, now) for clinic in config.clinics.values()),
        findings=tuple(finding for account in config.accounts.values() for finding in of_account(account, config)),
        warnings=config.warnings,
    )


def _checked(clinic: Clinic, config: Config, now: datetime) -> Checked:
    return Checked(
        id=clinic.id,
        name=clinic.name,
        timezone=clinic.timezone.key,
        config_version=clinic.version,
        connections=connected(clinic, now),
        findings=of_clinic(clinic, config, now),
    )


def connected(clinic: Clinic, now: datetime) -> tuple[Connected, ...]:
    """What each connection of a clinic can do."""
    ways = {NAMING[kind].operation: reached(clinic, kind) for kind in ROUTED}
    return tuple(
        Connected(
            name=connection.name,
            account=connection.account.name,
            adapter=connection.adapter.name,
            emr=connection.emr,
            operations=tuple(
                _able(clinic, connection, operation, ways.get(operation, {}).get(connection.name, ()), now)
                for operation in connection.rules
            ),
        )
        for connection in clinic.connections.values()
    )


def _able(clinic: Clinic, connection: Connection, operation: Name, routes: tuple[str, ...], now: datetime) -> Able:
    if not offers(connection, operation):
        support = connection.rules[operation].support
        why_not = f"{support.note} ({support.origin})" if support.note else support.origin
        return Able(operation=operation, offered=False, why_not=why_not)
    want = wanted(clinic, connection, operation, now)
    return Able(
        operation=operation,
        offered=True,
        supply=want.fields,
        one_of=want.one_of,
        on_trial=want.on_trial,
        routes=routes,
    )
