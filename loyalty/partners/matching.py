"""A partner's own file beside a statement: read line by line, then compared line by line. Pure.

A line of the file is the one of the statement that has the same kind, and the same reference: the partner's own, or the
id that the hotel gave it. Where there are several, those that are equal go together first, the others in their order.
Amounts in the file have no sign; only those of adjustments do.
"""

import csv
import datetime as dt
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from loyalty import money
from loyalty.errors import FieldError, Problem
from loyalty.partners.model import SignedMoney
from loyalty.partners.statements import KINDS, Line, LineKind

MOST: Final = 20_000
"""The most lines of a file."""
_TOLD: Final = 20
"""How many bad lines are told of at once."""
_COLUMNS: Final = ("reference", "date", "points", "money", "kind")
_NEEDED: Final = frozenset({"reference", "date", "points"})
_REFERENCE: Final = 64
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE: Final = re.compile(r"-?[0-9]{1,12}")

Outcome = Literal["matched", "missing_here", "missing_there", "different"]


class TheirLine(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line of the partner's own file; `money` is in the statement's currency, and isn't compared if it is None."""

    reference: Annotated[str, Meta(min_length=1, max_length=_REFERENCE)]
    date: dt.date
    points: Annotated[int, Meta(ge=-1_000_000_000_000, le=1_000_000_000_000)]
    money: SignedMoney | None = None
    kind: LineKind = "captured"


class Difference(Struct, frozen=True, gc=False):
    """In what two lines differ: what the statement has (`here`) and what the partner's file has (`there`)."""

    field: Literal["date", "points", "money"]
    here: str
    there: str


class ComparedLine(Struct, frozen=True, gc=False, omit_defaults=True):
    """What became of one line: `line` is the statement's, `row` that of the file; one of them if the other is missing.

    `text` says in words in what they differ.
    """

    outcome: Outcome
    reference: str
    kind: LineKind
    line: int | None = None
    row: int | None = None
    differences: tuple[Difference, ...] = ()
    text: str = ""


class Counts(Struct, frozen=True, gc=False):
    """How many lines came to what."""

    matched: int
    missing_here: int
    missing_there: int
    different: int


def counts(compared: Iterable[ComparedLine]) -> Counts:
    """Count what lines came to."""
    found = [one.outcome for one in compared]
    return Counts(
        found.count("matched"), found.count("missing_here"), found.count("missing_there"),
        found.count("different"),
    )  # fmt: skip


# --- Reading ----------------------------------------------------------------------------------------------------------


def read(text: str) -> list[TheirLine]:
    """Read a partner's file of comma-separated values; raise Problem that names bad lines and columns."""
    rows = csv.reader(text.removeprefix("\ufeff").splitlines(), strict=True)
    try:
        head = [name.strip().lower() for name in next(rows, list[str]())]
        _check_head(head)
        found: list[TheirLine] = []
        bad: list[FieldError] = []
        for row in rows:
            if not any(row):
                continue
            if len(found) + len(bad) >= MOST:
                raise _too_many()
            errors = list(_errors(head, row, rows.line_num))
            bad += errors
            if not errors:
                found.append(_line(dict(zip(head, (cell.strip() for cell in row), strict=True))))
    except csv.Error as error:
        raise _bad([FieldError(f"/{rows.line_num}", f"Line {rows.line_num}: {error}.")]) from error
    if bad:
        raise _bad(bad)
    return found


def check(lines: Sequence[TheirLine]) -> None:
    """Raise Problem when there are more lines than may be compared at once."""
    if len(lines) > MOST:
        raise _too_many()


def _check_head(head: Sequence[str]) -> None:
    unknown = [name for name in head if name not in _COLUMNS]
    missing = sorted(_NEEDED - set(head))
    if unknown or missing or len(set(head)) != len(head):
        what = (
            f"without {', '.join(missing)}"
            if missing
            else f"with {unknown[0]!r}"
            if unknown
            else "with one twice"
        )
        detail = f"Line 1 names the columns, of {', '.join(_COLUMNS)}; it is {what}."
        raise _bad([FieldError("/1", detail)])


def _errors(head: Sequence[str], row: Sequence[str], number: int) -> Iterator[FieldError]:
    """Yield what is wrong with a row, by line and column."""
    if len(row) != len(head):
        yield FieldError(f"/{number}", f"Line {number} has {len(row)} columns, not {len(head)}.")
        return
    for name, cell in zip(head, row, strict=True):
        wrong = _wrong(name, cell.strip())
        if wrong:
            yield FieldError(f"/{number}/{name}", f"Line {number}, column {name}: {wrong}")


def _wrong(name: str, cell: str) -> str:
    if name == "reference":
        return "" if 0 < len(cell) <= _REFERENCE else f"expected 1 to {_REFERENCE} characters."
    if name == "date":
        return "" if _date(cell) else f"{cell!r} is no date like 2026-03-14."
    if name == "points":
        return "" if _WHOLE.fullmatch(cell) else f"{cell!r} is no whole number."
    if name == "money":
        fine = not cell or money.to_minor(cell.removeprefix("-"), 3) is not None
        return "" if fine else f'{cell!r} is no amount like "12.50".'
    return "" if not cell or cell in KINDS else f"{cell!r} is none of {', '.join(KINDS)}."


def _line(cells: Mapping[str, str]) -> TheirLine:
    day = _date(cells["date"])
    assert day is not None, "a row without errors has a date"
    kinds: list[LineKind] = [one for one in KINDS if one == cells.get("kind")]
    kind = kinds[0] if kinds else "captured"
    return TheirLine(cells["reference"], day, int(cells["points"]), cells.get("money") or None, kind)


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _bad(errors: Sequence[FieldError]) -> Problem:
    return Problem("invalid_file", errors[0].detail, errors=tuple(errors[:_TOLD]))


def _too_many() -> Problem:
    return Problem("invalid_file", f"At most {MOST} lines can be compared at once.")


# --- Comparing --------------------------------------------------------------------------------------------------------

_Key = tuple[str, str]


def compare(ours: Sequence[Line], theirs: Sequence[TheirLine], currency: str) -> list[ComparedLine]:
    """Compare a statement with the partner's file: each line of either is in the answer once."""
    decimals = money.digits(currency)
    file: defaultdict[_Key, list[tuple[int, TheirLine]]] = defaultdict(list)
    for row, line in enumerate(theirs, 1):
        file[line.reference, line.kind].append((row, line))
    here: defaultdict[_Key, list[Line]] = defaultdict(list)
    for line in ours:
        here[_key(line, file)].append(line)
    found = [
        one
        for key in here.keys() | file.keys()
        for one in _pair(here.get(key, []), file.get(key, []), decimals)
    ]
    return sorted(found, key=lambda one: (one.line is None, one.line or 0, one.row or 0))


def _key(line: Line, file: Container[_Key]) -> _Key:
    """Return by which reference a line is looked for: the partner may know it by the hotel's id instead of its own."""
    names = [name for name in (line.reference, line.entry) if name]
    return next(((name, line.kind) for name in names if (name, line.kind) in file), (names[0], line.kind))


def _pair(ours: list[Line], theirs: list[tuple[int, TheirLine]], decimals: int) -> Iterator[ComparedLine]:
    """Put lines of one reference and kind together: equal ones first, the others in their order."""
    left = list(theirs)
    others: list[Line] = []
    for line in ours:
        same = next((one for one in left if not _differences(line, one[1], decimals)), None)
        if same is None:
            others.append(line)
        else:
            left.remove(same)
            yield ComparedLine("matched", line.reference or line.entry, line.kind, line.line, same[0])
    for line, (row, other) in zip(others, left, strict=False):
        differences = tuple(_differences(line, other, decimals))
        text = ", ".join(f"{one.field} {one.here} ≠ {one.there}" for one in differences)
        name = line.reference or line.entry
        yield ComparedLine("different", name, line.kind, line.line, row, differences, text)
    for line in others[len(left) :]:
        yield ComparedLine("missing_there", line.reference or line.entry, line.kind, line.line)
    for row, other in left[len(others) :]:
        yield ComparedLine("missing_here", other.reference, other.kind, None, row)


def _differences(ours: Line, theirs: TheirLine, decimals: int) -> list[Difference]:
    signed = ours.kind == "adjusted"
    points, owed = (ours.points, ours.money) if signed else (abs(ours.points), abs(ours.money))
    found: list[Difference] = []
    if ours.effective_on != theirs.date:
        found.append(Difference("date", str(ours.effective_on), str(theirs.date)))
    stated = theirs.points if signed else abs(theirs.points)
    if points != stated:
        found.append(Difference("points", str(points), str(stated)))
    if theirs.money is not None:
        amount = theirs.money if signed else theirs.money.removeprefix("-")
        if _minor(amount, decimals) != owed:
            found.append(Difference("money", money.from_minor(owed, decimals), amount))
    return found


def _minor(text: str, decimals: int) -> int | None:
    """Read an amount with its sign as minor units; None when it is finer than the currency."""
    amount = money.to_minor(text.removeprefix("-"), decimals)
    return -amount if amount is not None and text.startswith("-") else amount
