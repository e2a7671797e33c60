"""The import itself: rows to postings in chunks, chunks to the sink, every row counted once.

Nothing is remembered between runs. A stay has a natural key, so an import that was interrupted is run again from the
start, and what is in the books already stays as it is.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from loyalty.importing.mapper import Mapped, Mapper, fits
from loyalty.importing.mapping import Mapping, read, shipped
from loyalty.importing.problems import ImportFailedError, RefusedRow
from loyalty.importing.progress import Progressing
from loyalty.importing.reader import RowFile
from loyalty.importing.refused import RefusedFile
from loyalty.importing.sink import Enrolment, Refusal, Result, Sink
from loyalty.importing.summary import Summary

__all__ = ["CHUNK", "Interrupted", "StayImport", "choose_mapping"]

CHUNK: Final = 2000
"""Rows that are posted together; an interruption waits for the end of its chunk."""

Stop = Callable[[], bool]


class Interrupted(Exception):  # noqa: N818 - a wish, not an error
    """The import was asked to stop, and did after a whole chunk."""


def choose_mapping(path: Path, name: str | None) -> Mapping:
    """Return the named mapping, or the shipped one whose columns the file has."""
    if name is not None:
        return read(name)
    with RowFile(path) as file:
        found = [mapping for one in shipped() if fits(mapping := read(one), file.header)]
    if len(found) != 1:
        names = ", ".join(shipped())
        raise ImportFailedError(
            f"No shipped mapping fits the columns of {path}; name one with --mapping (shipped: {names})."
        )
    return found[0]


class StayImport:
    """One import of one file. `summary` is right at any time, also after a failure.

    Raises ImportFailedError when the import can't begin, MappingError when the mapping doesn't fit the file.
    """

    def __init__(
        self, path: Path, mapping: Mapping, refused: RefusedFile, progress: Progressing, stop: Stop
    ) -> None:
        self.path = path
        self.summary = Summary()
        self._mapping = mapping
        self._refused = refused
        self._progress = progress
        self._stop = stop
        with RowFile(path, mapping.file) as file:
            self._mapper = Mapper(mapping, None if file.ndjson else file.header)

    def rehearse(self) -> None:
        """Map every row and post nothing."""
        for chunk in self._chunks("checking"):
            for row in chunk:
                if isinstance(row, Mapped):
                    self.summary.checked(row.posting)
                else:
                    self._refuse(row)
            self._refused.flush()

    async def run(self, sink: Sink) -> None:
        """Post every row. Raises Interrupted between two chunks, and whatever the sink raises."""
        await sink.prepare(self._mapping.property)
        newcomers = self._first_arrivals() if self._mapping.member.enrol else {}
        for chunk in self._chunks("importing"):
            await self._enrol(sink, chunk, newcomers)
            await self._post(sink, chunk)
            self._refused.flush()

    def _first_arrivals(self) -> dict[str, dt.date]:
        """Read the file once for each guest's first arrival, so that enrolment doesn't hang on the order of rows."""
        first: dict[str, dt.date] = {}
        for chunk in self._chunks("reading"):
            for row in chunk:
                if isinstance(row, Mapped):
                    member, arrival = row.posting.member, row.posting.arrival
                    first[member] = min(arrival, first.get(member, arrival))
        return first

    def _chunks(self, what: str) -> Iterator[list[Mapped | RefusedRow]]:
        with RowFile(self.path, self._mapping.file) as file:
            self._progress.begin(what, file.size)
            rows, done = file.rows(), 0
            while chunk := [
                one if isinstance(one, RefusedRow) else self._mapper.map(one) for one in islice(rows, CHUNK)
            ]:
                if self._stop():
                    raise Interrupted
                yield chunk
                done += len(chunk)
                self._progress.at(done, file.position())

    async def _enrol(
        self, sink: Sink, chunk: list[Mapped | RefusedRow], newcomers: dict[str, dt.date]
    ) -> None:
        """Enrol the guests that come up for the first time in this run."""
        numbers = dict.fromkeys(row.posting.member for row in chunk if isinstance(row, Mapped))
        members = [Enrolment(number, newcomers.pop(number)) for number in numbers if number in newcomers]
        if members:
            self.summary.enrolled += await sink.enrol(members)

    async def _post(self, sink: Sink, chunk: list[Mapped | RefusedRow]) -> None:
        mapped = [row for row in chunk if isinstance(row, Mapped)]
        results: Sequence[Result] = await sink.post([row.posting for row in mapped]) if mapped else ()
        for row in _together(chunk, results):
            if isinstance(row, RefusedRow):
                self._refuse(row)
            else:
                self.summary.posted(row[0].posting, row[1])

    def _refuse(self, row: RefusedRow) -> None:
        self.summary.refuse(row)
        self._refused.write(row)


def _together(
    chunk: Sequence[Mapped | RefusedRow], results: Sequence[Result]
) -> Iterator[tuple[Mapped, Result] | RefusedRow]:
    """Join rows and results again, in the order of the file; what the service refused is a refused row like others."""
    rest = iter(results)
    for row in chunk:
        if isinstance(row, RefusedRow):
            yield row
            continue
        result = next(rest)
        yield _refusal(row, result.refusal) if result.refusal else (row, result)


def _refusal(row: Mapped, refusal: Refusal) -> RefusedRow:
    field = refusal.pointer.lstrip("/")
    return RefusedRow(row.line, refusal.code, refusal.detail, field, row.raw, row.posting.status)
