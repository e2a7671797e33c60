"""The mapping at work: every mistake found against the header before the first row, then a posting for each row."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, cast, get_args

import msgspec

from loyalty.importing.expressions import Compiled, ExpressionError, compile_expression, constant, needed
from loyalty.importing.functions import digest
from loyalty.importing.mapping import Entry, Guest, Line, Mapping
from loyalty.importing.problems import MappingError, RefusedRow, UnusableValueError
from loyalty.importing.scope import FileScope
from loyalty.importing.values import Kind, Read, Row, integer, plain
from loyalty.stays.model import Channel, Status, StayPosting

__all__ = ["Mapped", "Mapper", "fits", "to_posting"]

_KINDS: Final = {
    "arrival": Kind.DATE,
    "departure": Kind.DATE,
    "leg": Kind.NUMBER,
    "revision": Kind.NUMBER,
    "rooms": Kind.NUMBER,
}
_OPTIONAL: Final = frozenset({"leg", "revision", "rooms", "rate_code", "room_type"})
_DOMAINS: Final = {"status": frozenset(get_args(Status)), "channel": frozenset(get_args(Channel))}


class Mapped(msgspec.Struct, frozen=True, gc=False):
    """A row that became a posting."""

    line: int
    posting: StayPosting
    raw: str = ""


def to_posting(fields: dict[str, Any]) -> StayPosting:
    """Make a posting of its fields, in the form that `POST /v1/stays` takes; the one door to the stays' own model."""
    return msgspec.convert(fields, StayPosting)


def fits(mapping: Mapping, columns: Sequence[str]) -> bool:
    """Say whether a file with these columns has all that the mapping reads."""
    try:
        Mapper(mapping, columns)
    except MappingError:
        return False
    return True


class Mapper:
    """A mapping compiled for a file; `header` is None for NDJSON, where any row may have any column."""

    def __init__(self, mapping: Mapping, header: Sequence[str] | None) -> None:
        self.mapping = mapping
        self._scope = FileScope(mapping, header)
        self._problems: list[str] = []
        self._fields = list(self._stay_fields())
        self._lines = [line for at, one in enumerate(mapping.line) if (line := self._line(at, one))]
        self._check_the_rest()
        if self._problems:
            raise MappingError(mapping.mapping.name, list(dict.fromkeys(self._problems)))

    def map(self, row: Row) -> Mapped | RefusedRow:
        """Make a posting of a row, or say at which field it fails."""
        fields: dict[str, Any] = {}
        where = ""
        try:
            for where, read in self._fields:
                value = read(row)
                if value is not None:
                    fields[where] = value
            where = "departure"
            _check_dates(fields["arrival"], fields["departure"])
            where = "lines"
            lines: list[dict[str, Any]] = []
            fields["lines"] = lines
            for at, read_line in enumerate(self._lines):
                where = f"lines/{at}"
                if (line := read_line(row)) is not None:
                    lines.append(line)
            return Mapped(row.line, to_posting(fields), row.raw)
        except _LineError as problem:
            return self._refused(row, fields, f"{where}/{problem.part}", problem.code, problem.reason)
        except UnusableValueError as problem:
            return self._refused(row, fields, where, problem.code, problem.reason)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$")
            field = path.strip("`.").replace("[", "/").replace("].", "/").replace("]", "")
            return self._refused(row, fields, field, "invalid_field", reason)

    @staticmethod
    def _refused(row: Row, fields: dict[str, Any], where: str, code: str, reason: str) -> RefusedRow:
        status = fields.get("status", "")
        return RefusedRow(row.line, code, reason, where, row.raw, status)

    # --- compiling

    def _stay_fields(self) -> Iterator[tuple[str, Callable[[Row], Any]]]:
        """Yield the readers of the posting's fields, status first so that a refused row can still be counted by it."""
        entries = dict(self.mapping.stay.entries())
        for name in ("status", *(one for one in entries if one != "status")):
            compiled = self._entry(
                f"stay.{name}", entries[name], _KINDS.get(name, Kind.TEXT), _DOMAINS.get(name)
            )
            if compiled is not None:
                yield name, _field(name, compiled)
        member = self._member()
        if member is not None:
            yield "member", member

    def _member(self) -> Read | None:
        member = self.mapping.member
        if member.derive is not None:
            return self._guest(member.derive)
        compiled = self._entry("member.number", member.number or "", Kind.TEXT)
        return needed(compiled, "the member's number") if compiled else None

    def _guest(self, guest: Guest) -> Read | None:
        reads: list[Read] = []
        for name in guest.columns:
            try:
                reads.append(self._scope.text(name))
            except ExpressionError as problem:
                self._problems.append(f"member.derive.from: {problem}")

        def read(row: Row) -> str:
            return guest.prefix + digest([cast("str | None", one(row)) for one in reads], guest.length)

        return read

    def _line(self, at: int, line: Line) -> Callable[[Row], dict[str, Any] | None] | None:
        category = self._entry(f"line[{at}].category", line.category, Kind.TEXT)
        amount = self._entry(f"line[{at}].amount", line.amount, Kind.NUMBER)
        day = None
        if not isinstance(line.date, msgspec.UnsetType):
            day = self._entry(f"line[{at}].date", line.date, Kind.DATE)
        return _line(category, amount, day) if category and amount else None

    def _entry(
        self, where: str, entry: Entry, kind: Kind, domain: frozenset[str] | None = None
    ) -> Compiled | None:
        """Compile an entry and check what it gives; a mistake is noted, and the search goes on."""
        try:
            compiled = self._compile(entry)
        except ExpressionError as problem:
            self._problems.append(f"{where}: {problem}")
            return None
        if compiled.kind != kind:
            self._problems.append(f"{where}: is a {compiled.kind}, must be a {kind}")
        for word in sorted((compiled.texts or frozenset()) - domain if domain else ()):
            self._problems.append(
                f"{where}: may give {word!r}, must give one of {', '.join(sorted(domain or ()))}"
            )
        return compiled

    def _compile(self, entry: Entry) -> Compiled:
        if isinstance(entry, str):
            return compile_expression(entry, self._scope)
        if entry.column is None:
            value = entry.constant
            compiled = constant(Decimal(value) if isinstance(value, int) else str(value))
        else:
            compiled = (
                self._scope.name(entry.column)
                if entry.column in self.mapping.derive
                else self._scope.column(entry.column)
            )
        return self._scope.words(entry.words, compiled) if entry.words else compiled

    def _check_the_rest(self) -> None:
        """Check derived columns that nothing uses, and types given to columns that aren't there."""
        for name in self.mapping.derive:
            self._note(f"derive.{name}", lambda name=name: self._scope.name(name))
        for name in self.mapping.columns:
            self._note(f"columns.{name}", lambda name=name: self._scope.check(name))

    def _note(self, where: str, check: Callable[[], object]) -> None:
        try:
            check()
        except ExpressionError as problem:
            self._problems.append(f"{where}: {problem}")


class _LineError(Exception):
    """A problem in one part of a line."""

    def __init__(self, part: str, problem: UnusableValueError) -> None:
        self.part, self.code, self.reason = part, problem.code, problem.reason
        super().__init__(problem.reason)


def _field(name: str, compiled: Compiled) -> Callable[[Row], Any]:
    """Return a reader of one field in the type that the posting has there."""
    read = compiled.read if name in _OPTIONAL else needed(compiled, name)
    domain = _DOMAINS.get(name)
    if compiled.kind is Kind.NUMBER:
        return lambda row: None if (value := read(row)) is None else integer(cast("Decimal", value), name)
    if domain is None or (compiled.texts is not None and compiled.texts <= domain):
        return read
    return lambda row: _one_of(domain, name, cast("str", read(row)))


def _one_of(domain: frozenset[str], name: str, value: str) -> str:
    if value not in domain:
        raise UnusableValueError(f"unknown_{name}", f"{value!r} is none of {', '.join(sorted(domain))}")
    return value


def _line(
    category: Compiled, amount: Compiled, day: Compiled | None
) -> Callable[[Row], dict[str, Any] | None]:
    name = needed(category, "the category")

    def read(row: Row) -> dict[str, Any] | None:
        part = "amount"
        try:
            value = cast("Decimal | None", amount.read(row))
            if value is None:
                return None
            line: dict[str, Any] = {"amount": _amount(value)}
            part = "category"
            line["category"] = name(row)
            part = "date"
            if day is not None and (on := day.read(row)) is not None:
                line["date"] = on
        except UnusableValueError as problem:
            raise _LineError(part, problem) from None
        return line

    return read


def _amount(value: Decimal) -> str:
    if value < 0:
        raise UnusableValueError(
            "negative_amount", f"the amount is {plain(value)}; a stay's amounts aren't negative"
        )
    return plain(value)


def _check_dates(arrival: dt.date, departure: dt.date) -> None:
    if departure < arrival:
        raise UnusableValueError(
            "stay_departure_before_arrival", f"departure {departure} is before arrival {arrival}"
        )
