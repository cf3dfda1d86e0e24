"""Where an app's keys stand in gateway.yaml, and what to change there by hand: the files are the operator's."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gateway.files.source import Source, Spot


class Edit(Struct, frozen=True, kw_only=True):
    """One change. `lines` are those of the file, from 1, that it concerns; `text` is what to add or remove."""

    file: str
    lines: tuple[int, ...]
    how: str
    text: str


def adding(source: Source, text: Sequence[str], app: str, key_id: str, digest: str) -> Edit:
    """One more key beside those that the app has; `text` is the file, line by line."""
    entry = f"{{id: {key_id}, sha256: {digest}}}"
    keys: Spot = ("apps", app, "keys")
    held = _lines(source, keys)
    last = held[-1]
    items = [text[line - 1] for line in held if text[line - 1].lstrip().startswith("- ")]
    if items:
        indent = items[-1][: len(items[-1]) - len(items[-1].lstrip())]
        return Edit(file=source.name, lines=(last,), how=f"below line {last}, add", text=f"{indent}- {entry}")
    if _entries(source, keys):
        return Edit(file=source.name, lines=(last,), how=f"in line {last}, add to the list", text=f", {entry}")
    return Edit(file=source.name, lines=(last,), how=f"in line {last}, let it be", text=f"keys: [{entry}]")


def removing(source: Source, text: Sequence[str], app: str, key_id: str) -> Edit:
    """The key of that id out; the app must have it."""
    keys: Spot = ("apps", app, "keys")
    ids = _entries(source, keys)
    spot: Spot = (*keys, ids.index(key_id))
    own = _lines(source, spot)
    if ids == [key_id]:
        held = _lines(source, keys)
        how = f"the app's only key: let line{_numbers(held)} be"
        return Edit(file=source.name, lines=held, how=how, text="keys: []")
    shared = {line for place, line in source.lines.items() if place[: len(spot)] != spot}
    if shared.isdisjoint(own):
        gone = "\n".join(text[line - 1] for line in own)
        return Edit(file=source.name, lines=own, how=f"remove line{_numbers(own)}", text=gone)
    return Edit(
        file=source.name, lines=own, how=f"in line{_numbers(own)}, remove from the list", text=f"the key {key_id}"
    )


def _entries(source: Source, keys: Spot) -> list[str]:
    """The ids of the keys there, in order."""
    app = source.data["apps"][keys[1]]
    return [str(key["id"]) for key in app.get("keys") or ()]


def _lines(source: Source, spot: Spot) -> tuple[int, ...]:
    """All lines from where the place begins to where the last of what it holds does."""
    found = [line for place, line in source.lines.items() if place[: len(spot)] == spot]
    return tuple(range(min(found), max(found) + 1))


def _numbers(lines: Sequence[int]) -> str:
    return f" {lines[0]}" if len(lines) == 1 else f"s {lines[0]} to {lines[-1]}"
