"""`task-gateway schema`: the JSON Schemas of the configuration files."""

from __future__ import annotations

from pathlib import Path

import msgspec
import rich_click as click

from gateway.cli.common import adapters_in, json_option, paths_option
from gateway.editor import documents


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@paths_option
@json_option
def schema(directory: Path, paths: tuple[Path, ...], as_json: bool) -> None:
    """Write the JSON Schemas of gateway.yaml, clinics/*.yaml and emr_capabilities.yaml into DIR.

    An editor with a YAML language server completes and checks a file whose first line names its schema, as the
    shipped examples do: `# yaml-language-server: $schema=schema/gateway.schema.json`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for name, document in documents(adapters_in(paths)).items():
        file = directory / name
        file.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        files.append(str(file))
    click.echo(msgspec.json.encode(files).decode() if as_json else "\n".join(files))
