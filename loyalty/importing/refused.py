"""The file of refused rows: a CSV to read, correct from, and hand back."""

import csv
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from loyalty.importing.problems import ImportFailedError, RefusedRow

__all__ = ["RefusedFile", "default_path"]

_HEADER: Final = ("line", "field", "code", "reason", "raw")
_FIRST_LINE: Final = ",".join(_HEADER)


def default_path(path: Path) -> Path:
    """Return `bookings.refused.csv` for `bookings.csv.gz`: beside the input, or here where that can't be written."""
    stem = path.name
    for ending in (".gz", ".csv", ".ndjson", ".jsonl", ".txt"):
        stem = stem.removesuffix(ending)
    beside = path.parent if os.access(path.parent, os.W_OK) else Path()
    return beside / f"{stem or 'rows'}.refused.csv"


class RefusedFile:
    """Refused rows as they come. The file begins with the first of them; with none, no file is left.

    A file of an earlier import is replaced; any other file is left alone, and the import doesn't begin.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._file: IO[str] | None = None
        self._writer: Any = None
        self._begun = False

    def __enter__(self) -> Self:
        try:
            if self.path.exists():
                self._check_old()
            elif not os.access(self.path.parent, os.W_OK):
                raise ImportFailedError(
                    f"{self.path}: the directory can't be written; name another with --refused."
                )
        except OSError as error:
            raise ImportFailedError(f"{self.path} can't be written: {error.strerror}.") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        elif self._begun:
            self.path.unlink(missing_ok=True)  # what an earlier import refused is in the books now

    def write(self, row: RefusedRow) -> None:
        """Write one row."""
        if self._file is None:
            self._file = self.path.open("w", newline="", encoding="utf-8")
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow(_HEADER)
        self._writer.writerow((row.line, row.field, row.code, row.reason, row.raw))
        self.rows += 1

    def flush(self) -> None:
        """Hand what was written to the system after each chunk, so that a killed import leaves it behind."""
        self._begun = True
        if self._file is not None:
            self._file.flush()

    def _check_old(self) -> None:
        with self.path.open("rb") as file:
            ours = file.readline(100).rstrip(b"\r\n") == _FIRST_LINE.encode()
        if not ours:
            raise ImportFailedError(
                f"{self.path} exists and isn't a file of refused rows; name another with --refused."
            )
