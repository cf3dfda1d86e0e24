"""Somebody who follows a document at a terminal: runs what it says, writes its files, finds what it says is answered.

The document's blocks are followed in order, in one directory. What stands in one of them means:

- `sh`: it is run. It ends with exit code 0, or with that which a comment in it names ("exit code 1").
- `text`, below: the lines stand in what was printed, in that order; `...` is any text, and `1.1` any such number.
- `json`, below: it is part of the answer; `...` in a text is any text. The braces around it may be left out.
- `yaml`, `json`, `py` or `jsonl`, after a paragraph that ends with a file's name: the file. Where the file is there, a
  `yaml` block is put into it key by key.
- `python`: it is run.
- `tsk_...`, `evt_...` and their like stand for an id of that kind: the first one in what was printed last with one.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

_ID = r"(?:tsk|note|clm|evt|hook)_"
_ENDLESS = re.compile(r"--follow|curl -N")
"""What goes on until somebody ends it."""


@dataclass(frozen=True)
class Block:
    """A block of code: where it stands, its language, its text, and the file that the paragraph before it names."""

    where: str
    language: str
    text: str
    file: str | None


def blocks(document: Path) -> list[Block]:
    """The document's blocks of code, in order."""
    found = []
    before = ""
    for token in MarkdownIt("commonmark").enable("table").parse(document.read_text()):
        if token.type == "fence" and token.map:
            named = re.search(r"`([^`\s]+\.(?:yaml|json|jsonl|py|md))`:?$", before.rstrip())
            where = f"{document.name}:{token.map[0] + 1}"
            found.append(Block(where, token.info.strip(), token.content, named[1] if named else None))
            before = ""
        elif token.type == "inline":
            before = token.content
    return found


@dataclass
class Reader:
    """The reader, at work in `place`; `elsewhere` maps what documents name to where it is here."""

    place: Path
    environ: dict[str, str]
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    """What is run here in the place of a line: nothing, where what it starts is up already."""
    told: str = ""
    """What was printed last."""
    _ids: dict[str, str] = field(default_factory=dict)

    def follow(self, block: Block) -> None:
        """Do what the block says, or find it true. Raises AssertionError."""
        text = re.sub(rf"\b({_ID})\.\.\.", lambda found: self._ids.get(found[1], found[0]), self._here(block.text))
        if block.file:
            self._write(block, text)
        elif block.language == "sh":
            self._run(block, text)
        elif block.language == "python":
            self._hear(_output(text, block.where))
        elif block.language == "json":
            shown = json.loads(text if text.lstrip().startswith(("{", "[")) else f"{{{text}}}")
            assert _is_part(shown, self._answer(block)), f"{block.where}: {self.told}"
        elif block.language == "text":
            self._find(block, text)
        else:
            raise AssertionError(f"{block.where}: nobody knows what to do with {block.language or 'a plain block'}")

    def _here(self, text: str) -> str:
        for there, here in self.elsewhere.items():
            text = text.replace(there, here)
        return text

    def _hear(self, told: str) -> None:
        self.told = told
        for kind, rest in reversed(re.findall(rf"\b({_ID})([0-9a-f]{{32}})\b", told)):
            self._ids[kind] = kind + rest

    def _write(self, block: Block, text: str) -> None:
        assert block.file is not None
        path = self.place / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and block.language == "yaml":
            text = yaml.safe_dump(_merged(yaml.safe_load(path.read_text()), yaml.safe_load(text)), sort_keys=False)
        path.write_text(text)

    def _run(self, block: Block, text: str) -> None:
        lines = [self.instead.get(line.partition("#")[0].strip(), line) for line in text.splitlines()]
        ends = next((at for at, line in enumerate(lines) if _ENDLESS.search(line)), len(lines))
        self._end(block, "\n".join(lines[:ends]))
        if lines[ends:]:
            self._hear(self.told + self._beginning("\n".join(lines[ends:])))

    def _end(self, block: Block, script: str) -> None:
        """Run to its end what ends by itself."""
        left = self.place / ".left-in-the-environment"
        ended = subprocess.run(
            ["/bin/sh", "-ec", f'trap \'env -0 > "{left}"\' EXIT\n{script}'], cwd=self.place, env=self.environ,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        wanted = re.search(r"exit code (\d+)", script)
        assert ended.returncode == int(wanted[1] if wanted else 0), f"{block.where}: {ended.stdout}{ended.stderr}"
        self.environ = dict(each.split("=", 1) for each in left.read_text().split("\0") if each)
        self._hear(ended.stdout + ended.stderr)

    def _beginning(self, script: str) -> str:
        """The first lines of what goes on for ever."""
        process = subprocess.Popen(
            ["/bin/sh", "-ec", f"exec {script}"], cwd=self.place, env=self.environ, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        patience = threading.Timer(15, process.kill)
        patience.start()
        try:
            assert process.stdout is not None
            told = "".join(process.stdout.readline() for _ in range(3))
            assert told, f"it told nothing: {script}"
            return told
        finally:
            patience.cancel()
            process.kill()
            process.communicate()

    def _answer(self, block: Block) -> Any:
        """The JSON of what was printed, below the headers if they were."""
        start = min((at for at in map(self.told.find, "{[") if at >= 0), default=-1)
        assert start >= 0, f"{block.where}: no JSON was printed: {self.told}"
        return json.JSONDecoder().raw_decode(self.told[start:])[0]

    def _find(self, block: Block, text: str) -> None:
        printed = iter([" ".join(line.split()) for line in self.told.splitlines()])
        for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
            assert any(_fits(each, line) for each in printed), f"{block.where}: {line!r} is not in\n{self.told}"


def _fits(text: str, shown: str) -> bool:
    """Whether the text is what is shown, in which `...` stands for any."""
    pattern = re.escape(shown).replace(re.escape("..."), ".*")
    return re.fullmatch(re.sub(r"\b\d+\\\.\d\b", r"\\d+[.]\\d", pattern), text) is not None


def _is_part(shown: Any, answer: Any) -> bool:
    if isinstance(shown, dict):
        return isinstance(answer, dict) and all(
            name in answer and _is_part(value, answer[name]) for name, value in shown.items()
        )
    if isinstance(shown, list):
        return isinstance(answer, list) and all(any(_is_part(each, one) for one in answer) for each in shown)
    if isinstance(shown, str) and isinstance(answer, str):
        return _fits(answer, shown)
    return bool(shown == answer)


def _merged(file: Any, block: Any) -> Any:
    if isinstance(file, dict) and isinstance(block, dict):
        return {**file, **{key: _merged(file.get(key), value) for key, value in block.items()}}
    return block


def _output(program: str, where: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, where, "exec"), {"__name__": "__main__"})  # noqa: S102 - the document's own
    return printed.getvalue()


def environment(**more: str) -> dict[str, str]:
    """What a terminal has that knows of no gateway yet."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("TASK_GATEWAY_")}, **more}
