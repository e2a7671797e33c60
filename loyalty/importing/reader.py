"""Rows out of CSV and NDJSON, plain or gzip, one at a time: what can't be read is a refused row, never the end.

A file is read by lines of bytes, each decoded by itself, so that one wrong byte or quote costs one row.
"""

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

import msgspec

from loyalty.importing.mapping import File
from loyalty.importing.problems import ImportFailedError, RefusedRow
from loyalty.importing.values import Row

__all__ = ["LONGEST_LINE", "RowFile"]

LONGEST_LINE: Final = 1 << 20
"""Bytes of one line; a longer one is refused unread."""
_MOST_LINES: Final = 32
"""Lines of one CSV record with quoted line ends; beyond that a quote is taken to be broken."""
_GZIP: Final = b"\x1f\x8b"
_UNREADABLE: Final = (EOFError, gzip.BadGzipFile, zlib.error)


class RowFile:
    """An open file of rows. `header` holds the columns (of NDJSON: those of its first row).

    Raises ImportFailedError when the file isn't there, has no rows' form, or no header.
    """

    def __init__(self, path: Path, options: File | None = None) -> None:
        self.path = path
        self._options = options or File()
        self._file, self._bytes = _open(path)
        self.size = path.stat().st_size
        self._line = 0
        self._ahead: deque[tuple[int, str | RefusedRow]] = deque()
        try:
            self.ndjson, self.header = self._begin()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def position(self) -> int:
        """Return how many bytes of the file, compressed as it is, were taken; `size` is all of them."""
        return self._file.tell()

    def rows(self) -> Iterator[Row | RefusedRow]:
        """Yield every row that isn't blank, numbered from 1 in the order of the file, refused ones counted."""
        read = self._object if self.ndjson else self._record
        number = 0
        while (found := self._next()) is not None:
            line, text = found
            if isinstance(text, RefusedRow):
                number += 1
                yield text
            elif text.strip():
                number += 1
                yield read(number, line, text)

    # --- lines

    def _next(self) -> tuple[int, str | RefusedRow] | None:
        """Return the next line with its number; None at the end."""
        if self._ahead:
            return self._ahead.popleft()
        try:
            read = self._bytes.readline(LONGEST_LINE)
        except _UNREADABLE as error:
            self._bytes = io.BytesIO()  # nothing more can be had
            return self._line + 1, RefusedRow(
                self._line + 1, "file_damaged", f"the file can't be read from here on: {error}"
            )
        if not read:
            return None
        self._line += 1
        return self._line, self._decode(read)

    def _decode(self, read: bytes) -> str | RefusedRow:
        if len(read) == LONGEST_LINE and not read.endswith(b"\n"):
            self._skip_line()
            return RefusedRow(
                self._line, "line_too_long", f"longer than {LONGEST_LINE:,} bytes", raw=_show(read[:200])
            )
        if self._line == 1:
            read = read.removeprefix(b"\xef\xbb\xbf")
        try:
            return read.decode(self._options.encoding)
        except UnicodeDecodeError as error:
            reason = f"byte {error.start + 1} of the line isn't {self._options.encoding}"
            return RefusedRow(self._line, "wrong_encoding", reason, raw=_show(read))

    def _skip_line(self) -> None:
        while (more := self._bytes.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
            pass

    # --- the beginning

    def _begin(self) -> tuple[bool, tuple[str, ...]]:
        """Tell CSV from NDJSON by the first line that isn't blank, and return the columns."""
        while (found := self._next()) is not None:
            line, text = found
            if isinstance(text, RefusedRow):
                raise ImportFailedError(f"{self.path}, line {line}: {text.reason}.")
            if text.lstrip().startswith("{"):
                self._ahead.append(found)
                first = self._object(1, line, text)
                return True, tuple(first.texts) if isinstance(first, Row) else ()
            if text.lstrip().startswith("["):
                raise ImportFailedError(f"{self.path} is a JSON array; put one object on each line (NDJSON).")
            if text.strip():
                return False, self._header(text)
        raise ImportFailedError(f"{self.path} is empty.")

    def _header(self, text: str) -> tuple[str, ...]:
        cells = _cells(text, self._options.delimiter)
        if cells is None or "\x00" in text:
            raise ImportFailedError(f"{self.path}: the first line isn't a header of columns.")
        return tuple(cell.strip() for cell in cells)

    # --- rows

    def _object(self, number: int, line: int, text: str) -> Row | RefusedRow:
        """Read one line of NDJSON; objects within it become `outer.inner` columns."""
        try:
            found = _OBJECT.decode(text)
            return Row(number, line, dict(_flat(found)), text.rstrip("\r\n"))
        except (msgspec.DecodeError, RecursionError) as error:
            return RefusedRow(line, "broken_json", str(error), raw=text.rstrip("\r\n"))

    def _record(self, number: int, line: int, text: str) -> Row | RefusedRow:
        """Read one record of CSV."""
        whole, cells = text, _cells(text, self._options.delimiter)
        if cells is None:
            whole, cells = self._continued(text)
        raw = whole.rstrip("\r\n")
        if cells is None:
            return RefusedRow(line, "broken_quotes", "the quotes of this row don't match", raw=raw)
        if len(cells) != len(self.header):
            reason = f"{len(cells)} columns where the header has {len(self.header)}"
            return RefusedRow(line, "wrong_number_of_columns", reason, raw=raw)
        return Row(number, line, dict(zip(self.header, cells, strict=True)), raw)

    def _continued(self, text: str) -> tuple[str, list[str] | None]:
        """Join a record whose quotes run over line ends; if that makes no record, only its first line is lost."""
        taken: list[tuple[int, str | RefusedRow]] = []
        whole = text
        while len(taken) < _MOST_LINES and (found := self._next()) is not None:
            taken.append(found)
            if isinstance(found[1], RefusedRow):
                break
            whole += found[1]
            if whole.count('"') % 2:
                continue
            cells = _cells(whole, self._options.delimiter)
            if cells is not None and len(cells) == len(self.header):
                return whole, cells
        self._ahead.extendleft(reversed(taken))
        return text, None


_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _open(path: Path) -> tuple[BinaryIO, BinaryIO]:
    """Open a file, and what reads its content: itself or, by its magic bytes, gzip."""
    try:
        file = path.open("rb")
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
    except OSError as error:
        raise ImportFailedError(f"{path} can't be read: {error.strerror}.") from None
    return file, cast("BinaryIO", gzip.GzipFile(fileobj=file)) if packed else file


def _cells(text: str, delimiter: str) -> list[str] | None:
    """Split one record; None when its quotes don't close or something follows a closing quote."""
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None


def _flat(found: dict[str, msgspec.Raw], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Yield columns and texts: numbers as they are written, objects within by `outer.inner`, arrays as JSON."""
    for name, raw in found.items():
        value = bytes(raw).lstrip()
        if value.startswith(b'"'):
            yield prefix + name, msgspec.json.decode(value, type=str)
        elif value.startswith(b"{"):
            yield from _flat(_OBJECT.decode(value), f"{prefix}{name}.")
        else:
            yield prefix + name, None if value == b"null" else value.decode()


def _show(raw: bytes) -> str:
    """Show bytes that aren't text."""
    return raw.decode("ascii", "backslashreplace").rstrip("\r\n")
