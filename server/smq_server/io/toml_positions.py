"""Where a TOML file writes its keys and values, which the standard library's reader does not say.

For text that `tomllib` has accepted only: the grammar is not checked again.
"""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple

from smq.text import Span

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^\s,\]}#]+(?: \d[^\s,\]}#]*)?")


class Place(NamedTuple):
    """A key's last part and its value; the value of a table is its header."""

    key: Span
    value: Span


def locate(text: str) -> dict[Path, Place]:
    """The place of each key, table and array item, by its path."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.places


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counts: dict[Path, int] = {}
        self.places: dict[Path, Place] = {}

    def document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        start = self._at
        is_array = self._text.startswith("[[", start)
        self._at += 2 if is_array else 1
        self._skip(_SPACE)
        keys = self._keys()
        self._skip(_SPACE)
        self._at += 2 if is_array else 1
        header = Span(start, self._at)
        path: Path = ()
        for name, _ in keys:
            path = (*path, name)
            # A table below an array of tables belongs to the array's newest item.
            if path in self._counts and (not is_array or len(path) < len(keys)):
                path = (*path, self._counts[path] - 1)
        if is_array:
            count = self._counts[path] = self._counts.get(path, 0) + 1
            self.places.setdefault(path, Place(keys[-1][1], header))
            path = (*path, count - 1)
        self._record(path, keys, header)
        return path

    def _record(self, path: Path, keys: list[tuple[str, Span]], value: Span) -> None:
        self.places[path] = Place(keys[-1][1], value)
        # `a.b = 1` and `[a.b]` are also the places of `a`, unless it has one of its own.
        named = [index for index, part in enumerate(path) if isinstance(part, str)]
        for index, (_, span) in zip(reversed(named), reversed(keys), strict=False):
            self.places.setdefault(path[: index + 1], Place(span, value))

    def _pair(self, table: Path) -> None:
        keys = self._keys()
        self._skip(_SPACE)
        self._at += 1
        self._skip(_SPACE)
        path = (*table, *(name for name, _ in keys))
        start = self._at
        self._value(path)
        self._record(path, keys, Span(start, self._at))

    def _keys(self) -> list[tuple[str, Span]]:
        keys: list[tuple[str, Span]] = []
        while True:
            start = self._at
            if self._text[start] in "\"'":
                self._string()
                name = str(tomllib.loads(f"k = {self._text[start : self._at]}")["k"])
            else:
                self._skip(_BARE)
                name = self._text[start : self._at]
            keys.append((name, Span(start, self._at)))
            mark = self._at
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                self._at = mark
                return keys
            self._at += 1
            self._skip(_SPACE)

    def _value(self, path: Path) -> None:
        char = self._text[self._at]
        if char in "\"'":
            self._string()
        elif char == "[":
            self._array(path)
        elif char == "{":
            self._inline_table(path)
        else:
            self._skip(_PLAIN)

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "]":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            start = self._at
            self._value((*path, index))
            self.places[(*path, index)] = Place(Span(start, self._at), Span(start, self._at))
            index += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "}":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path)

    def _string(self) -> None:
        quote = self._text[self._at]
        long = self._text.startswith(quote * 3, self._at)
        self._at += 3 if long else 1
        end = quote * 3 if long else quote
        while not self._text.startswith(end, self._at):
            self._at += 2 if self._text[self._at] == "\\" and quote == '"' else 1
        self._at += len(end)
        if long:
            # Up to two more quotes before the end belong to the string.
            while self._text.startswith(quote, self._at):
                self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
