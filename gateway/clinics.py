"""The configuration directory as one validated `Config`: gateway.yaml, emr_capabilities.yaml, clinics/*.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.capability_table import read_table
from gateway.clinic_file import read_clinic
from gateway.errors import ConfigErrors
from gateway.files.source import Source, nearest
from gateway.files.strict_yaml import read_yaml
from gateway.rules.capability import TABLE
from gateway.rules.clinic import Clinic, Config
from gateway.settings import Settings, read_settings

GATEWAY = "gateway.yaml"


def load(directory: Path, environ: Mapping[str, str], *, as_production: bool = False) -> Config:
    """The configuration in `directory`, whole. Raises ConfigErrors with every mistake of every file.

    `as_production`: as if its mode were production.
    """
    gateway = read_yaml(directory, GATEWAY, environ)
    settings = read_settings(gateway, directory, environ, as_production=as_production)
    table = read_table(_table(directory, environ), settings.adapters)
    sources = [_read_clinic_file(directory, file, environ) for file in _clinic_files(directory)]
    clinics = [(source, read_clinic(source, settings, table)) for source in sources if not source.lost()]
    _no_two_alike(clinics)
    if len(clinics) == len(sources) and all(clinic.id for _, clinic in clinics):
        _check_scopes(settings, [clinic.id for _, clinic in clinics])
    everything = (*settings.sources, table.source, *sources)
    mistakes = [line for source in everything for line in source.mistakes()]
    if mistakes:
        raise ConfigErrors(mistakes)
    return Config(
        mode=settings.file.mode,
        database=settings.database,
        accounts=settings.accounts,
        apps=settings.apps,
        hosts=frozenset(settings.file.hosts),
        clinics={clinic.id: clinic for _, clinic in clinics},
        answer_within=settings.file.answer_within,
        timeouts=settings.timeouts,
        follow=settings.follow,
        encryption=settings.encryption,
        retention=settings.retention,
        private_networks=settings.private_networks,
        warnings=tuple(line for source in everything for line in source.warnings()),
        written=gateway.written(),
    )


def _table(directory: Path, environ: Mapping[str, str]) -> Source:
    """The capability table. A gateway whose vendors need no rows needs none, but one under another name is a slip."""
    if (directory / TABLE).exists():
        return read_yaml(directory, TABLE, environ)
    near = nearest(TABLE, sorted(file.name for file in directory.glob("*.y*ml") if file.name != GATEWAY))
    source = Source(near or TABLE)
    if near:
        source.spoil(1, f"unknown file '{near}', did you mean '{TABLE}'?")
    return source


def _clinic_files(directory: Path) -> list[Path]:
    """The clinics' files, from the configuration directory; hidden ones, of editors and mounts, are none."""
    found = (file.relative_to(directory) for file in (directory / "clinics").rglob("*"))
    seen = [file for file in found if not any(part.startswith(".") for part in file.parts)]
    return sorted(file for file in seen if file.suffix.lower() in {".yaml", ".yml"})


def _read_clinic_file(directory: Path, file: Path, environ: Mapping[str, str]) -> Source:
    if file.parent == Path("clinics"):
        return read_yaml(directory, file.as_posix(), environ)
    source = Source(file.as_posix())
    source.spoil(1, "only files of clinics/ itself are read; put it there")
    return source


def _no_two_alike(clinics: Sequence[tuple[Source, Clinic]]) -> None:
    """A clinic's id, and a connection's reference within its account, each find one thing."""
    ids: dict[str, str] = {}
    references: dict[tuple[str, str], str] = {}
    for source, clinic in clinics:
        if clinic.id and ids.setdefault(clinic.id, source.name) != source.name:
            source.note(("id",), f"'{clinic.id}' is taken by {ids[clinic.id]}; give each clinic one of its own")
        for name, connection in clinic.connections.items():
            if connection.reference_id is None:
                continue
            here = f"{source.name}: connections.{name}"
            first = references.setdefault((connection.account.name, connection.reference_id), here)
            if first != here:
                spot = ("connections", name, "reference_id")
                source.note(spot, f"taken within {connection.account.name} by {first}; give each one of its own")


def _check_scopes(settings: Settings, clinics: Sequence[str]) -> None:
    """An app may touch clinics that exist, or all."""
    source = settings.sources[0]
    for name, app in settings.file.apps.items():
        if isinstance(app.clinics, tuple):
            for index, clinic in enumerate(app.clinics):
                if clinic not in {"*", *clinics}:
                    source.unknown(("apps", name, "clinics", index), "clinic", clinic, clinics)
