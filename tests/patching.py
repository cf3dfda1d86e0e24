"""What a person does with rows that are suggested for a configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def paste(file: Path, rows: str) -> None:
    """Put the rows into the file, each below the keys that are there already."""
    file.write_text(yaml.safe_dump(_merged(yaml.safe_load(file.read_text()) or {}, yaml.safe_load(rows) or {})))


def _merged(there: Any, new: Any) -> Any:
    if not isinstance(there, dict) or not isinstance(new, dict):
        return new
    return {**there, **{key: _merged(there.get(key), value) for key, value in new.items()}}
