"""The corpus of mistakes that people make in configuration: what they wrote, and exactly what the gateway says to it.

A case is a text file in `config/corpus/<kind>/`, of lines that begin with
  @ file     a file of `config/corpus/base`, and below it a piece of that as in a diff: " " stays, "-" goes, "+" comes
             (a piece of "+" alone is a whole file; nothing at all: there is no such file)
  $ NAME=x   an environment variable that is set; without "=", one that is not
  % 644 file its permissions; the secrets of the base are private
  = line     a line that comes out, in order
  #          why the case is here
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from gateway.clinics import load
from gateway.errors import ConfigErrors

CORPUS = Path(__file__).parent / "config" / "corpus"
BASE = CORPUS / "base"
ENVIRON = {
    "ACME_KEY": "canary-acme-key",
    "COBALT_CLIENT_ID": "canary-client-id",
    "COBALT_WEBHOOK_SECRET": "canary-webhook-secret",
    "COBALT_WEBHOOK_TOKEN": "canary-4f1c7a9e2b6d80359d3e",
    "ENCRYPTION_KEY": "Y2FuYXJ5LWtleS1vZi10aGlydHktdHdvLWJ5dGVzISE=",
    "HARBOR_ORGANIZATION": "canary-organization",
    "INTAKE_SECRET": "whsec_Y2FuYXJ5LWludGFrZS1zZWNyZXQtb2YtMzItYnl0ZXM=",
    "LAKESIDE_COBALT_TOKEN": "canary-access-token",
    "MAXCARE_KEY": "canary-maxcare-key",
    "SOLUM_KEY": "canary-solum-key",
}


@dataclass
class Change:
    """A piece of one file, as it was and as somebody wrote it; `old` is None for a whole file.

    `added` are the lines of `new`, counted from 0, that somebody wrote.
    """

    file: str
    old: str | None = None
    new: str = ""
    added: list[int] = field(default_factory=list)


@dataclass
class Case:
    """One mistake, or several at once."""

    kind: str
    name: str
    changes: list[Change] = field(default_factory=list)
    environ: dict[str, str | None] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def make(self, directory: Path) -> dict[str, str]:
        """Write the base with this mistake into `directory`; the environment that belongs to it."""
        shutil.copytree(BASE, directory)
        for change in self.changes:
            file = directory / change.file
            text = change.new
            if not text and change.old is None:
                file.unlink()
                continue
            if change.old is not None:
                whole = file.read_text()
                assert whole.count(change.old) == 1, f"{self.name}: not one such place:\n{change.old}"
                text = whole.replace(change.old, change.new)
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        for secret in (directory / "secrets").glob("*"):
            secret.chmod(0o600)
        for name, mode in self.modes.items():
            (directory / name).chmod(mode)
        changed = ENVIRON | self.environ
        return {name: text for name, text in changed.items() if text is not None}


def cases(*kinds: str) -> list[Case]:
    """The cases of these kinds, or all."""
    files = sorted(CORPUS.glob("*/*.txt"))
    return [_case(file) for file in files if not kinds or file.parent.name in kinds]


def told(directory: Path, environ: dict[str, str]) -> list[str]:
    """The lines that come out when the configuration in `directory` is loaded."""
    try:
        load(directory, environ)
    except ConfigErrors as error:
        return list(error.lines)
    return []


def _case(file: Path) -> Case:
    case = Case(kind=file.parent.name, name=file.stem.replace("-", " "))
    for line in file.read_text().splitlines():
        sign, rest = line[:1], line[1:]
        if sign == "@":
            case.changes.append(Change(rest.strip()))
        elif sign == "$":
            name, given, text = rest.strip().partition("=")
            case.environ[name] = text if given else None
        elif sign == "%":
            mode, _, name = rest.strip().partition(" ")
            case.modes[name] = int(mode, 8)
        elif sign == "=":
            case.lines.append(rest.strip())
        elif sign in {" ", "-", "+"}:
            _add(case.changes[-1], sign, f"{rest}\n")
    return case


def _add(change: Change, sign: str, line: str) -> None:
    if sign == "+":
        change.added.append(change.new.count("\n"))
    else:
        change.old = (change.old or "") + line
    if sign != "-":
        change.new += line
