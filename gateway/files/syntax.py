"""What is wrong with a file that is no YAML: the line at fault, and what to do about it.

The parser names the place where it gave up, which is often lines below the mistake. Nothing of the file but single
signs is ever shown: any word may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_CLOSES = {yaml.FlowSequenceStartToken: "]", yaml.FlowMappingStartToken: "}"}
_ENDS = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
_KEYLESS = "expected name: value, with a space after the ':'"
_PLAIN = (
    # what the parser says, whether it means the place where it began or where it ended, and what that means to people
    ("cannot start any token", "_line", "text that begins with {sign}; put it in quotes"),
    (" alias", "_began", "text that begins with *; put it in quotes"),
    ("an anchor", "_began", "text that begins with &; put it in quotes"),
    ("duplicate anchor", "_line", "an anchor that is given twice; give each a name of its own"),
    ("escape", "_line", "an escape that YAML does not know; use single quotes"),
    ("another document", "_line", "a second document begins here; expected one in each file"),
    ("expected ':'", "_began", _KEYLESS),
)


def fault(text: str, error: yaml.YAMLError, loader: Any) -> tuple[int, str]:
    """The line (from 1) of what keeps `text` from being YAML, and the mistake in words."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        before = text.encode()[: getattr(error, "position", 0)]
        return before.count(b"\n") + 1, "a control character; remove it"
    lines = [*text.splitlines(), ""]
    line, problem = _Fault(lines, error, list(_tokens(text, mark.index, loader))).told()
    return min(line, max(len(lines) - 2, 0)) + 1, problem


def _tokens(text: str, end: int, loader: Any) -> Iterator[yaml.Token]:
    """The tokens before the place where the parser gave up."""
    try:
        for token in yaml.scan(text, Loader=loader):
            if token.start_mark.index >= end:
                return
            yield token
    except yaml.YAMLError:
        return


class _Fault:
    """One error of the parser, with the lines of the file and the tokens before it. Lines count from 0 here."""

    def __init__(self, lines: list[str], error: Any, tokens: list[yaml.Token]) -> None:
        self._lines = lines
        self._said = f"{error.context}; {error.problem}"
        self._line, self._column = error.problem_mark.line, error.problem_mark.column
        self._began = (error.context_mark or error.problem_mark).line
        self._sign = lines[self._line][self._column : self._column + 1] if self._line < len(lines) else ""
        self._tokens = tokens

    def told(self) -> tuple[int, str]:
        """The line and the mistake, from the plainest sign to the vaguest."""
        opened = self._opened()
        return (
            self._by_sign()
            or self._by_quote(among_brackets=bool(opened))
            or (self._by_bracket(opened) if opened else self._by_closing())
            or self._by_indentation()
        )

    def _opened(self) -> list[yaml.Token]:
        """The brackets that are open at the place of the error, the innermost last."""
        opened: list[yaml.Token] = []
        for token in self._tokens:
            if isinstance(token, tuple(_CLOSES)):
                opened.append(token)
            elif isinstance(token, _ENDS) and opened:
                opened.pop()
        return opened

    def _by_sign(self) -> tuple[int, str] | None:
        """What one sign of the file gives away, or the parser says plainly."""
        if self._sign == "\t":
            return self._line, "indented with a tab; use spaces"
        for said, where, problem in _PLAIN:
            if said in self._said:
                return getattr(self, where), problem.format(sign=self._sign)
        if self._sign in {"]", "}"} and not self._opened():
            return self._line, f"a {self._sign} that closes nothing; remove it"
        return None

    def _by_quote(self, *, among_brackets: bool) -> tuple[int, str] | None:
        """A quote that is never closed, or one within the text that closes it too early."""
        if "quoted scalar" in self._said:
            return self._began, "a quote that is never closed; put one at the end of the text"
        quoted = [token for token in self._tokens if isinstance(token, yaml.ScalarToken) and token.style in {"'", '"'}]
        if not quoted or quoted[-1].end_mark.line != self._line or self._sign in {"]", "}"}:
            return None
        if among_brackets and quoted[-1].end_mark.column != self._column:
            return None
        began = quoted[-1].start_mark.line
        if began < self._line:
            return began, f"a quote that is closed only on line {self._line + 1}; put one at the end of the text"
        return self._line, "text goes on after its closing quote; use the other kind of quotes around it"

    def _by_bracket(self, opened: list[yaml.Token]) -> tuple[int, str]:
        """A list or mapping in brackets that is never closed, closed by the other sign, or has a gap."""
        first, innermost = opened[0].start_mark.line, opened[-1]
        sign = _CLOSES[type(innermost)]
        if self._lines[self._line][self._column - 1 : self._column + 1] == "${":
            return self._line, "a reference among brackets; put it in quotes"
        if self._line > first and self._indent(self._line) <= self._indent(first):
            return innermost.start_mark.line, f"a bracket that is never closed; expected '{sign}'"
        return self._line, f"among brackets, expected ',' or '{sign}'"

    def _by_closing(self) -> tuple[int, str] | None:
        """A line that goes on after its last bracket is closed."""
        last = self._tokens[-1] if self._tokens else None
        if not isinstance(last, _ENDS) or last.end_mark.line != self._line:
            return None
        return self._line, "text goes on after its closing bracket; put all in brackets, or the rest on its own line"

    def _by_indentation(self) -> tuple[int, str]:
        """A line that fits none above, or that is taken for more text of one above."""
        if "'-' indicator" in self._said:
            return self._line, "among the items of a list, expected '- ' or less indentation"
        text = next((token for token in reversed(self._tokens) if isinstance(token, yaml.ScalarToken)), None)
        if "mapping values" not in self._said or text is None:
            return self._line, f"the indentation fits no line above; expected {self._indents()}"
        began = text.start_mark
        if began.line == self._line:
            return self._line, "a second ':' in one value; put the text in quotes"
        if not self._lines[began.line][: began.column].strip(" -"):
            return began.line, _KEYLESS
        return self._line, f"indented below a line that has a value already; expected {self._indents()}"

    def _indents(self) -> str:
        """How far the line at fault might be indented, to fit the lines above it."""
        found: list[int] = []
        for line in reversed(self._lines[: self._line]):
            said = line.strip()
            for indent in (line.find(said.removeprefix("- ").lstrip()), line.find(said)):
                if said and not said.startswith("#") and (not found or indent < found[-1]):
                    found.append(indent)
        return f"{' or '.join(map(str, found))} spaces"

    def _indent(self, line: int) -> int:
        return len(self._lines[line]) - len(self._lines[line].lstrip(" "))
