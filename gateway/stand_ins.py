"""The sandbox set up for a configuration: its clinics' links and organizations, and webhooks back to the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import structs

from gateway.rules.clinic import Account, Clinic, Config, Connection
from gateway.sandbox import CobaltLink, CobaltSettings, MaxCareSettings, SandboxSettings, TaskApiSettings

PORTS: Mapping[str, int] = {"cobalt": 1, "task_api": 2, "maxcare": 3}
"""Where the sandbox serves each vendor, from its port base up."""


def settings_for(config: Config, gateway_url: str, completion_delay: float) -> SandboxSettings:
    """Stand-ins that know every clinic of `config`, and push their webhooks to the gateway at `gateway_url`."""
    cobalt = {
        connection.credentials.access_token.reveal(): CobaltLink(
            emr=connection.emr or "", reference_id=connection.reference_id or connection.clinic_id
        )
        for connection in _connections(config, "cobalt")
    }
    organizations = tuple(
        connection.credentials.organization_id.reveal() for connection in _connections(config, "maxcare")
    )
    return SandboxSettings(
        cobalt=CobaltSettings(
            links={**CobaltSettings().links, **cobalt},
            webhook_urls=_webhooks(config, "cobalt", gateway_url),
            completion_delay=completion_delay,
        ),
        task_api=TaskApiSettings(webhook_urls=_webhooks(config, "task_api", gateway_url)),
        maxcare=MaxCareSettings(organizations=(*MaxCareSettings().organizations, *organizations)),
    )


def at_sandbox(config: Config, port_base: int, database: str) -> Config:
    """The configuration with the three vendors at the sandbox and a database of its own."""
    accounts = {name: _moved(account, port_base) for name, account in config.accounts.items()}
    clinics = {clinic_id: _moved_clinic(clinic, accounts) for clinic_id, clinic in config.clinics.items()}
    return structs.replace(config, accounts=accounts, clinics=clinics, database=database)


def _moved(account: Account, port_base: int) -> Account:
    offset = PORTS.get(account.adapter.name)
    return structs.replace(account, base_url=f"http://127.0.0.1:{port_base + offset}") if offset else account


def _moved_clinic(clinic: Clinic, accounts: Mapping[str, Account]) -> Clinic:
    connections = {
        name: structs.replace(connection, account=accounts[connection.account.name])
        for name, connection in clinic.connections.items()
    }
    return structs.replace(clinic, connections=connections)


def _connections(config: Config, adapter: str) -> Iterator[Connection]:
    for clinic in config.clinics.values():
        yield from (one for one in clinic.connections.values() if one.adapter.name == adapter)


def _webhooks(config: Config, adapter: str, gateway_url: str) -> tuple[str, ...]:
    return tuple(
        f"{gateway_url}/v1/webhooks/{account.name}/{account.webhook_token.reveal()}"
        for account in config.accounts.values()
        if account.adapter.name == adapter and account.webhook_token
    )
