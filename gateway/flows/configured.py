"""The configuration in force; a reload swaps it whole."""

from __future__ import annotations

from gateway.rules.clinic import Account, App, AppKey, Clinic, Config, Connection
from gateway.rules.record import Record


class Configured:
    """Holds the one `Config` in force, and finds things in it."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._config

    @config.setter
    def config(self, config: Config) -> None:
        self._config = config
        self._keys = {key.id: (app, key) for app in config.apps.values() for key in app.keys}

    def key(self, key_id: str) -> tuple[App, AppKey] | None:
        """The app key of that id, and whose it is."""
        return self._keys.get(key_id)

    def clinic(self, clinic_id: str) -> Clinic | None:
        """The clinic of that id."""
        return self.config.clinics.get(clinic_id)

    def connection(self, clinic_id: str, name: str) -> Connection | None:
        """A clinic's connection; None when it is no longer configured."""
        clinic = self.clinic(clinic_id)
        return clinic.connections.get(name) if clinic else None

    def way_of(self, record: Record) -> Connection | None:
        """The connection that the delivery was accepted for; None when that is gone, or has become another one.

        Its credentials, address and limits are today's; the words were fixed when it was accepted, so a connection that
        now speaks to another vendor, account or EMR is not its way any more.
        """
        connection = self.connection(record.clinic_id, record.connection)
        if connection is None or not connection.adapter.supports(record.operation):
            return None
        today = (connection.adapter.name, connection.account.name, connection.emr)
        return connection if today == (record.adapter, record.account, record.emr) else None

    def connections_of(self, account: Account) -> frozenset[tuple[str, str]]:
        """The account's connections over all clinics, as (clinic id, name)."""
        return frozenset(
            (clinic.id, connection.name)
            for clinic in self.config.clinics.values()
            for connection in clinic.connections.values()
            if connection.account.name == account.name
        )

    def named(self, account: Account, reference: str) -> tuple[str, str] | None:
        """The connection that the account's vendor calls `reference`."""
        for clinic_id, name in self.connections_of(account):
            connection = self.connection(clinic_id, name)
            if connection is not None and connection.reference_id == reference:
                return clinic_id, name
        return None
