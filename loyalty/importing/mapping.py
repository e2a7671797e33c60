"""The mapping file: TOML that says which column is what, decoded strictly into frozen structs.

`read` loads one by path or by the name of a shipped one; `Mapper` (in `mapper`) puts it to work.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from loyalty.importing.problems import ImportFailedError, MappingError
from loyalty.importing.values import MONTHS
from loyalty.stays.properties import Property

__all__ = [
    "Column",
    "Entry",
    "File",
    "Guest",
    "Line",
    "Mapping",
    "Member",
    "Property",
    "Source",
    "Stay",
    "Words",
    "decode",
    "read",
    "shipped",
]

Letter = Annotated[str, Meta(min_length=1, max_length=1)]
ColumnType = Literal["text", "integer", "decimal", "date", "month"]


class About(Struct, frozen=True, forbid_unknown_fields=True):
    """`[mapping]`: the name by which `--mapping` finds it, and what it reads."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,64}$")]
    title: str = ""


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """`[file]`: how the file is written."""

    delimiter: Letter = ","
    encoding: str = "utf-8"
    null: tuple[str, ...] = ("",)


class Column(Struct, frozen=True, forbid_unknown_fields=True):
    """`[columns]`: the type of a column's words; text where nothing is said. An optional one may be missing."""

    type: ColumnType = "text"
    optional: bool = False
    formats: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    decimal_point: Letter = "."
    thousands: Annotated[str, Meta(max_length=1)] = ""


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """`[words.<name>]`: the file's words for ours.

    A word that isn't listed refuses the row, unless `unknown` says otherwise or there is a default.
    """

    words: dict[str, str]
    unknown: Literal["refuse", "empty", "keep"] = "refuse"
    default: str | None = None
    ignore_case: bool = False


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value comes from, without writing an expression: a column (through `words`) or a constant."""

    column: str | None = None
    constant: str | int | None = None
    words: str | None = None


Entry = str | Source
"""An expression, or a source."""


class Stay(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stay]`: the fields of a posting."""

    source: Entry
    property: Entry
    stay_ref: Entry
    status: Entry
    arrival: Entry
    departure: Entry
    channel: Entry
    currency: Entry
    leg: Entry | UnsetType = UNSET
    revision: Entry | UnsetType = UNSET
    rooms: Entry | UnsetType = UNSET
    rate_code: Entry | UnsetType = UNSET
    room_type: Entry | UnsetType = UNSET

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield the fields that are given, by name."""
        for name in self.__struct_fields__:
            entry = getattr(self, name)
            if entry is not UNSET:
                yield name, entry


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[line]]`: one line of the folio; left out of a row whose amount is empty."""

    category: Entry
    amount: Entry
    date: Entry | UnsetType = UNSET


class Guest(Struct, frozen=True, forbid_unknown_fields=True):
    """`[member] derive`: a member number made of columns: the prefix, and the head of their SHA-256 (see `digest`)."""

    columns: Annotated[tuple[str, ...], Meta(min_length=1)] = field(name="from")
    prefix: Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,16}$")]
    length: Annotated[int, Meta(ge=8, le=32)] = 12


class Member(Struct, frozen=True, forbid_unknown_fields=True):
    """`[member]`: whose stay it is, by number or derived, and whether unknown guests are enrolled on the way."""

    number: Entry | None = None
    derive: Guest | None = None
    enrol: bool = False


class Mapping(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole mapping file."""

    mapping: About
    stay: Stay
    member: Member
    file: File = File()
    columns: dict[str, ColumnType | Column] = {}
    derive: dict[str, str] = {}
    words: dict[str, Words] = {}
    line: tuple[Line, ...] = ()
    property: tuple[Property, ...] = ()

    def column(self, name: str) -> Column:
        """Return the type of a column."""
        given = self.columns.get(name, "text")
        return given if isinstance(given, Column) else Column(type=given)


_SHIPPED: Final = files("loyalty.importing") / "mappings"
_NAME: Final = re.compile(r"[a-z0-9_]+")


def shipped() -> list[str]:
    """Return the names of the mappings that come with the package."""
    return sorted(
        found.name.removesuffix(".toml") for found in _SHIPPED.iterdir() if found.name.endswith(".toml")
    )


def read(name: str) -> Mapping:
    """Read a mapping by its path, or a shipped one by its name."""
    if _NAME.fullmatch(name) and name in shipped():
        return decode((_SHIPPED / f"{name}.toml").read_text("utf-8"), name)
    try:
        text = Path(name).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't UTF-8 text"
        raise ImportFailedError(
            f"The mapping {name} can't be read: {reason}. Shipped: {', '.join(shipped())}."
        ) from None
    return decode(text, name)


def decode(text: str, name: str) -> Mapping:
    """Decode a mapping and check all that can be checked without the file's header."""
    try:
        mapping = msgspec.convert(tomllib.loads(text), Mapping)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(name, [f"not TOML: {error}"]) from None
    except msgspec.ValidationError as error:
        raise MappingError(name, [_readable(str(error))]) from None
    if problems := list(_mistakes(mapping)):
        raise MappingError(name, problems)
    return mapping


def _readable(message: str) -> str:
    """Turn msgspec's `… - at `$.stay.x`` into `stay.x: …`."""
    reason, _, path = message.partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    return f"{path}: {reason}" if path else reason


def _mistakes(mapping: Mapping) -> Iterator[str]:
    """Yield what the types can't say."""
    yield from _file_mistakes(mapping.file)
    for name in mapping.columns:
        yield from (f"columns.{name}: {mistake}" for mistake in _column_mistakes(mapping.column(name)))
    for where, entry in _entries(mapping):
        yield from (f"{where}: {mistake}" for mistake in _entry_mistakes(entry, mapping))
    for name in mapping.derive:
        if not name.isidentifier() or name == "row":
            yield f"derive.{name}: a derived column is named by letters, digits and _, and not `row`"
    if (mapping.member.number is None) == (mapping.member.derive is None):
        yield "member: give either number or derive"
    codes = [one.code for one in mapping.property]
    yield from (f"property: {code} is declared twice" for code in sorted(set(codes)) if codes.count(code) > 1)


def _file_mistakes(file: File) -> Iterator[str]:
    try:
        newline = "\n".encode(file.encoding)
    except LookupError:
        yield f"file.encoding: there is no encoding {file.encoding!r}"
    else:
        if newline != b"\n":  # rows are found by their line ends before they are decoded
            yield f"file.encoding: {file.encoding} isn't supported; convert the file to UTF-8"
    if file.delimiter in '"\r\n':
        yield "file.delimiter: must not be a quote or a line end"


def _column_mistakes(column: Column) -> Iterator[str]:
    if column.type == "date" and not column.formats:
        yield 'a date needs its formats: { type = "date", formats = ["%Y-%m-%d"] }'
    if column.type != "date" and column.formats:
        yield f"formats have no meaning for {column.type}"
    yield from (f"{one!r} doesn't give a whole date" for one in column.formats if not _gives_date(one))
    if column.names and (column.type != "month" or len(set(column.names)) != len(MONTHS)):
        yield "names are the twelve names of months, for type month"
    if column.decimal_point == column.thousands:
        yield "decimal_point and thousands are the same"


def _gives_date(pattern: str) -> bool:
    """Say whether a strptime pattern holds year, month and day: two unlike dates must come back as they were."""
    try:
        return all(
            datetime.strptime(day.strftime(pattern), pattern).date() == day  # noqa: DTZ007
            for day in (date(2023, 11, 29), date(2024, 2, 3))
        )
    except ValueError:
        return False


def _entries(mapping: Mapping) -> Iterator[tuple[str, Entry]]:
    yield from ((f"stay.{name}", entry) for name, entry in mapping.stay.entries())
    for at, line in enumerate(mapping.line):
        yield f"line[{at}].category", line.category
        yield f"line[{at}].amount", line.amount
        if line.date is not UNSET:
            yield f"line[{at}].date", line.date
    if mapping.member.number is not None:
        yield "member.number", mapping.member.number


def _entry_mistakes(entry: Entry, mapping: Mapping) -> Iterator[str]:
    if isinstance(entry, str):
        return
    if (entry.column is None) == (entry.constant is None):
        yield "give either column or constant"
    if entry.words is not None and entry.words not in mapping.words:
        yield f"there is no vocabulary words.{entry.words}"
