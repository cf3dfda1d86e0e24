"""The documents of docs/ as pages: the same files that the repository shows, wherever the gateway is installed.

They lie in `gateway/web/docs`, which in the repository is a link to `docs`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any

from litestar import MediaType, Router, get
from litestar.params import FromPath
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from msgspec import Struct

from gateway.errors import Refused
from gateway.web.templates import render
from schemas.problem import problem

_INDEX = "README"
_ROOT = "/docs"


class Document(Struct, frozen=True, kw_only=True):
    """A document as it is shown: its title, its sections by their anchors, and its text."""

    title: str
    sections: Mapping[str, str]
    text: Markup


class Group(Struct, frozen=True, kw_only=True):
    """What the index names under one heading, by address."""

    heading: str
    documents: Mapping[str, str]


def _in(directory: Traversable, below: str = "") -> Iterator[tuple[str, str]]:
    for entry in directory.iterdir():
        if entry.is_dir():
            yield from _in(entry, f"{below}{entry.name}/")
        elif entry.name.endswith(".md"):
            yield below + entry.name.removesuffix(".md"), entry.read_text("utf-8")


_TEXTS = dict(_in(resources.files("gateway.web").joinpath("docs")))
"""Every document by its path below docs/, without the ending."""

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
_markdown.add_render_rule("table_open", lambda *_: '<div class="wide" tabindex="0"><table>\n')
_markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
_markdown.add_render_rule("fence", lambda self, *given: self.fence(*given).replace("<pre>", '<pre tabindex="0">', 1))


@cache
def document(name: str) -> Document:
    """The document of that path. Raises KeyError for none."""
    tokens = _markdown.parse(_TEXTS[name])
    headings = [(opening, _plain(inline)) for opening, inline in pairwise(tokens) if opening.type == "heading_open"]
    for opening, words in headings:
        opening.attrSet("id", _anchor(words))
    for link, closing, _ in _links(tokens):
        address = _address(name, str(link.attrGet("href")))
        link.attrSet("href", address or "")
        link.hidden = closing.hidden = address is None  # its words are left
    return Document(
        title=next(words for opening, words in headings if opening.tag == "h1"),
        sections={_anchor(words): words for opening, words in headings if opening.tag == "h2"},
        text=Markup(_markdown.renderer.render(tokens, _markdown.options, {})),  # noqa: S704 - our words, without HTML
    )


@cache
def groups() -> Sequence[Group]:
    """What there is to read, in the order of the index."""
    tokens = _markdown.parse(_TEXTS[_INDEX])
    starts = [at for at, token in enumerate(tokens) if token.type == "heading_open"]
    sections = [tokens[start:end] for start, end in pairwise([*starts, len(tokens)])]
    found = [
        Group(
            heading=_plain(section[1]),
            documents={
                address: label
                for link, _, label in _links(section)
                if (address := _address(_INDEX, str(link.attrGet("href")))) and address.startswith(_ROOT)
            },
        )
        for section in sections
    ]
    return [group for group in found if group.documents]


def _links(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token, str]]:
    """Each link's opening, closing and words."""
    for token in tokens:
        children = token.children or []
        opened = [at for at, child in enumerate(children) if child.type == "link_open"]
        closed = [at for at, child in enumerate(children) if child.type == "link_close"]
        for start, end in zip(opened, closed, strict=True):
            yield children[start], children[end], "".join(child.content for child in children[start:end])


def _address(name: str, target: str) -> str | None:
    """Where a link of the document leads when it is served; None for a file of the repository that is not."""
    path, mark, anchor = target.partition("#")
    if not path or path.startswith("/") or ":" in path:
        return target
    found = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)).removesuffix(".md")
    return _path(found) + mark + anchor if found in _TEXTS else None


def _path(name: str) -> str:
    """Where the document is served."""
    return f"{_ROOT}/{name}".removesuffix(f"/{_INDEX}")


def _anchor(heading: str) -> str:
    """The heading as an anchor, as other readers of Markdown make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ())


def _shown(name: str) -> str:
    directory = posixpath.dirname(name)
    values: dict[str, Any] = {
        "document": document(name),
        "groups": groups(),
        "path": _path(name),
        "above": _path(f"{directory}/{_INDEX}" if directory else _INDEX),
    }
    return render("document.html", **values)


@get("/", media_type=MediaType.HTML, sync_to_thread=False)
def index() -> str:
    """What there is to read."""
    return _shown(_INDEX)


@get("/{name:path}", media_type=MediaType.HTML, sync_to_thread=False)
def one(name: FromPath[str]) -> str:
    """A document, or the index of its directory."""
    wanted = str(name).strip("/")
    found = next((each for each in (wanted, f"{wanted}/{_INDEX}") if each in _TEXTS), None)
    if found is None:
        raise Refused(problem("not-found"))
    return _shown(found)


documents = Router(_ROOT, route_handlers=[index, one], opt={"open": True}, include_in_schema=False)
