"""The pages' templates; everything they show is escaped."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_environment = Environment(
    loader=PackageLoader("gateway.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_files = resources.files("gateway.web")
_style = "".join(_files.joinpath(name).read_text() for name in ("console/static/palette.css", "templates/page.css"))
_icon = _files.joinpath("console/static/icon.svg").read_text()
_environment.globals |= {
    "style": Markup(_style),  # noqa: S704 - our own style sheet
    "icon": Markup(_icon.replace("<svg ", '<svg width="22" height="22" aria-hidden="true" ', 1)),  # noqa: S704 - our own
    "PLACES": {"/docs": "Documents", "/schema": "API reference", "/problems": "Problems", "/console": "Console"},
}

STYLE = f"'sha256-{b64encode(sha256(_style.encode()).digest()).decode()}'"
"""The one style sheet of the pages, as a content security policy names it."""


def render(template: str, **values: Any) -> str:
    """The page that `template` makes of `values`."""
    return _environment.get_template(template).render(values)
