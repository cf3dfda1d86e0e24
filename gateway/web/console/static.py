"""The console's own files. Nothing of it comes from anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from importlib import resources

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from gateway.errors import Refused
from schemas.problem import problem

_TYPES: Mapping[str, str] = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Asset(Struct, frozen=True):
    """A file as it is sent; `version` is part of its address, so that it may be kept for good."""

    content: bytes
    media_type: str
    version: str


def _read() -> Mapping[str, Asset]:
    found = {}
    for entry in resources.files("gateway.web.console").joinpath("static").iterdir():
        media_type = _TYPES.get(entry.name.rpartition(".")[2])
        if media_type:
            content = entry.read_bytes()
            found[entry.name] = Asset(content, f"{media_type}; charset=utf-8", sha256(content).hexdigest()[:12])
    return found


ASSETS = _read()


def address(name: str) -> str:
    """Where a page finds the file."""
    return f"/console/static/{name}?v={ASSETS[name].version}"


@get("/static/{name:str}", opt={"open": True}, sync_to_thread=False)
def static(name: FromPath[str]) -> Response[bytes]:
    """A file of the console's."""
    asset = ASSETS.get(name)
    if asset is None:
        raise Refused(problem("not-found"))
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(asset.content, media_type=asset.media_type, headers=headers)
