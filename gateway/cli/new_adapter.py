"""Writing a new adapter: the template under its own name, with samples that show what is to be put in their place."""

from __future__ import annotations

import re
from pathlib import Path

import adapters
from gateway.errors import Stopped

_TEMPLATE = Path(adapters.__file__).parent / "_template.py"
_SAMPLES = _TEMPLATE.parent / "samples" / "template"


def write(name: str, directory: Path) -> Path:
    """The new adapter's file. Raises Stopped for a name that cannot be one; nothing is ever overwritten."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise Stopped(
            f"'{name}' cannot be an adapter's name: lower-case letters, digits and underscores, a letter first"
        )
    if name in {"template", *adapters.discover()}:
        raise Stopped(f"the name '{name}' is taken")
    file, samples = directory / f"{name}.py", directory / "samples" / name
    for path in (file, samples):
        if path.exists():
            raise Stopped(f"{path} is there already")
    samples.mkdir(parents=True)
    for sample in sorted(_SAMPLES.glob("*.json")):
        (samples / sample.name).write_bytes(sample.read_bytes())
    file.write_text(_renamed(_TEMPLATE.read_text(encoding="utf-8"), name), encoding="utf-8")
    return file


def _renamed(text: str, name: str) -> str:
    called = "".join(part.capitalize() for part in name.split("_"))
    return text.replace('"template"', f'"{name}"').replace("Template", called)
