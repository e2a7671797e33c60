"""On which line of a TOML text each key and each entry of a list stands. Pure.

The text must be TOML already, as `tomllib` has read it; so all that is needed here is to know where a value ends.
"""

import re
from bisect import bisect_right
from typing import Final

from loyalty.program.mistakes import Path

_SPACE: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BLANK: Final = re.compile(r"[ \t]*")
_ESCAPED: Final = r"(?:[^\\]|\\.)*?"
_STRING: Final = re.compile(
    rf'"""{_ESCAPED}""""{{0,2}}|' r"'''.*?''''{0,2}|" r'"(?:[^"\\\n]|\\.)*"|' r"'[^'\n]*'", re.DOTALL
)
_PLAIN: Final = re.compile(r"[^,\]}#\r\n]+")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPES: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


def places(text: str) -> dict[Path, int]:
    """Return the line, counted from 1, of every key, table and entry of a list."""
    scan = _Scan(text)
    scan.document()
    return scan.found


def line_of(path: Path, found: dict[Path, int]) -> int:
    """Return the line of a key; of one that isn't in the text, that of the table it should be in."""
    while path and path not in found:
        path = path[:-1]
    return found.get(path, 1)


class _Scan:
    """One pass over the text."""

    def __init__(self, text: str) -> None:
        self.found: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._lines = [place for place, letter in enumerate(text) if letter == "\n"]
        self._entries: dict[Path, int] = {}

    def document(self) -> None:
        """Read headers and keys to the end of the text."""
        table: Path = ()
        while self._next() != "":
            if self._next() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _next(self) -> str:
        """Skip what says nothing and return the next letter; nothing at the end."""
        self._at = self._match(_SPACE).end()
        return self._text[self._at : self._at + 1]

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self._text, self._at)
        assert found, f"this isn't TOML at character {self._at}"
        return found

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = self._match(pattern)
        self._at = found.end()
        return found[0]

    def _note(self, path: Path, place: int) -> None:
        self.found.setdefault(path, bisect_right(self._lines, place - 1) + 1)

    def _header(self) -> Path:
        """Read `[a.b]` or `[[a.b]]` and return the table that follows: of a list of tables, its newest entry."""
        begins = self._at
        is_entry = self._text.startswith("[[", begins)
        self._at += 1 + is_entry
        *before, last = self._keys()
        self._at += 1 + is_entry
        table: Path = ()
        for key in before:
            table = self._newest((*table, key))
            self._note(table, begins)
        table = (*table, last)
        self._note(table, begins)
        if is_entry:
            self._entries[table] = self._entries.get(table, -1) + 1
        table = self._newest(table)
        self._note(table, begins)
        return table

    def _newest(self, table: Path) -> Path:
        return (*table, self._entries[table]) if table in self._entries else table

    def _keys(self) -> list[str]:
        """Read a key, dotted or not."""
        keys: list[str] = []
        while True:
            self._take(_BLANK)
            quoted = self._text[self._at] in "\"'"
            keys.append(_unquoted(self._take(_STRING)) if quoted else self._take(_BARE))
            self._take(_BLANK)
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _pair(self, table: Path) -> None:
        begins = self._at
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, begins)
        self._at += 1
        self._take(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first == "[":
            self._list(path)
        elif first == "{":
            self._inline_table(path)
        elif first in "\"'":
            self._take(_STRING)
        else:
            self._take(_PLAIN)

    def _list(self, path: Path) -> None:
        self._at += 1
        place = 0
        while (letter := self._next()) != "]":
            if letter == ",":
                self._at += 1
                continue
            self._note((*path, place), self._at)
            self._value((*path, place))
            place += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while (letter := self._next()) != "}":
            if letter == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1


def _unquoted(text: str) -> str:
    """Return what a quoted key says."""
    if text[0] == "'":
        return text[1:-1]
    return _ESCAPE.sub(_unescaped, text[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _ESCAPES.get(found[3], found[3])
