"""References: text that stands elsewhere, `${env:NAME}` in an environment variable or `${file:path}` in a file."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gateway.files.source import Source, Spot, did_you_mean

REFERENCE = re.compile(r"\$\{([a-z]+):([^{}]*)\}")
SLIP = r"\$\{|^[$({]+(env|file):|^\{\{|^\$[A-Z][A-Z0-9_]*$|^%[A-Za-z_][A-Za-z0-9_]*%$"
"""What is found in a text that was surely meant as a reference: one unclosed, or as another tool or shell writes it."""
FORMS = "${env:NAME} or ${file:PATH}"
_OTHERS = stat.S_IROTH | stat.S_IWOTH


class References:
    """Replaces references by what they name, and notes those that name nothing."""

    def __init__(self, directory: Path, environ: Mapping[str, str], source: Source) -> None:
        self._directory = directory
        self._environ = environ
        self._source = source

    def resolve(self, text: str, spot: Spot) -> str | None:
        """The text that a reference names; any other text as it is; None when there is a mistake."""
        match = REFERENCE.fullmatch(text)
        if match is None:
            if REFERENCE.search(text):
                self._source.note(spot, f"a reference among other text; expected {FORMS} as the whole value")
                return None
            if re.search(SLIP, text):
                self._source.note(spot, f"looks like a reference and is none; expected {FORMS}")
            return text
        kind, name = match.groups()
        if kind not in {"env", "file"}:
            self._source.unknown(spot, "kind of reference", kind, ("env", "file"))
            return None
        if not name.strip():
            self._source.note(spot, f"the reference names nothing; expected {FORMS}")
            return None
        self._source.references[spot] = text
        return self._variable(name, spot) if kind == "env" else self._file(name, spot)

    def _variable(self, name: str, spot: Spot) -> str | None:
        text = self._environ.get(name)
        if text is None:
            advice = did_you_mean(name, self._environ) or "; set it where the gateway is started"
            self._source.note(spot, f"the environment variable {name} is not set{advice}")
        elif not text:
            self._source.note(spot, f"the environment variable {name} is empty; set it, or remove this key")
        return text or None

    def _file(self, name: str, spot: Spot) -> str | None:
        path = self._directory / name
        try:
            text = path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
            if path.stat().st_mode & _OTHERS:
                self._source.exposed.add(spot)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not text in UTF-8"
            advice = self._beside(path) or "; expected a path, from the configuration directory or absolute"
            self._source.note(spot, f"the file {name} cannot be read ({reason}){advice}")
            return None
        if not text:
            self._source.note(spot, f"the file {name} is empty; write the text into it")
        return text or None

    @staticmethod
    def _beside(path: Path) -> str:
        """The name of a file beside the one that is not there, where one is alike."""
        with suppress(OSError, ValueError):
            if not path.exists():
                return did_you_mean(path.name, [file.name for file in path.parent.iterdir()])
        return ""
