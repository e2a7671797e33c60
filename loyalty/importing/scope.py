"""What the names of an expression mean: derived columns, columns of the file, vocabularies, the row's number."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Final, cast

from loyalty.importing.expressions import Compiled, ExpressionError, compile_expression
from loyalty.importing.mapping import Column, Mapping, Words
from loyalty.importing.problems import UnusableValueError
from loyalty.importing.values import MONTHS, Kind, Read, Row, Value, to_date, to_month, to_number

__all__ = ["FileScope"]

_MISSING: Final = object()


class FileScope:
    """The names of one mapping over one header; with no header (NDJSON), any column may be there."""

    def __init__(self, mapping: Mapping, header: Sequence[str] | None) -> None:
        self._mapping = mapping
        self._header = header
        self._derived: dict[str, Compiled] = {}
        self._open: list[str] = []
        self.used: set[str] = set()

    def name(self, name: str) -> Compiled:
        """Return a derived column, else `row`, else a column of the file."""
        if name in self._mapping.derive:
            return self._derive(name)
        if name == "row":
            return Compiled(Kind.NUMBER, lambda row: Decimal(row.number))
        return self.column(name)

    def column(self, name: str) -> Compiled:
        """Return a column of the file, in its type."""
        self.check(name)
        column = self._mapping.column(name)
        kind = _KINDS[column.type]
        return Compiled(kind, _remember(f"column {name}", _reader(name, column, self._mapping.file.null)))

    def check(self, name: str) -> None:
        """Note that a column is used; refuse one that the file hasn't, or has twice."""
        self.used.add(name)
        if self._header is None:
            return
        if name not in self._header:
            if self._mapping.column(name).optional:
                return
            near = get_close_matches(name, [*self._header, *self._mapping.derive], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ExpressionError(f"the file has no column {name!r}{hint}")
        if self._header.count(name) > 1:
            raise ExpressionError(f"the file has several columns {name!r}")

    def words(self, name: str, source: Compiled) -> Compiled:
        """Return a text through a vocabulary."""
        vocabulary = self._mapping.words.get(name)
        if vocabulary is None:
            raise ExpressionError(f"there is no vocabulary words.{name}")
        if source.kind != Kind.TEXT:
            raise ExpressionError(f"words() takes a text, not a {source.kind}")
        texts = None if vocabulary.unknown == "keep" else frozenset(vocabulary.words.values())
        if texts is not None and vocabulary.default is not None:
            texts |= {vocabulary.default}
        return Compiled(Kind.TEXT, _translator(name, vocabulary, source), texts)

    def text(self, name: str) -> Read:
        """Return a column as it stands in the file, whatever its type."""
        self.check(name)
        return _reader(name, Column(), self._mapping.file.null)

    def _derive(self, name: str) -> Compiled:
        if name in self._derived:
            return self._derived[name]
        if name in self._open:
            raise ExpressionError(f"{' → '.join([*self._open, name])} goes round in a circle")
        if self._header is not None and name in self._header:
            raise ExpressionError(f"derive.{name} has the name of a column of the file")
        self._open.append(name)
        try:
            inner = compile_expression(self._mapping.derive[name], self)
        finally:
            self._open.pop()
        found = Compiled(inner.kind, _remember(name, inner.read), inner.texts)
        self._derived[name] = found
        return found


_KINDS: Final = {
    "text": Kind.TEXT,
    "integer": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "date": Kind.DATE,
    "month": Kind.NUMBER,
}


def _remember(key: str, read: Read) -> Read:
    """Read once per row."""

    def remembering(row: Row) -> Value | None:
        found = row.cache.get(key, _MISSING)
        if found is _MISSING:
            found = row.cache[key] = read(row)
        return cast("Value | None", found)

    return remembering


def _reader(name: str, column: Column, nulls: tuple[str, ...]) -> Read:
    """Return what reads a column: None for a null word, a problem that names the column for a wrong one."""
    null = frozenset(nulls)
    take = _taker(column)

    def read(row: Row) -> Value | None:
        text = row.texts.get(name)
        if text is None or (text := text.strip()) in null:
            return None
        if take is None:
            return text
        try:
            return take(text)
        except UnusableValueError as problem:
            raise UnusableValueError(problem.code, f"{name}: {problem.reason}") from None

    return read


def _taker(column: Column) -> Callable[[str], Value] | None:
    """Return what reads one text of this type; None for text, which is taken as it is."""
    match column.type:
        case "text":
            return None
        case "integer":
            return lambda text: _whole(to_number(text, column.decimal_point, column.thousands), text)
        case "decimal":
            return lambda text: to_number(text, column.decimal_point, column.thousands)
        case "date":
            return lambda text: to_date(text, column.formats)
        case "month":
            names = tuple(name.lower() for name in column.names) or MONTHS
            return lambda text: to_month(text, names)


def _whole(value: Decimal, text: str) -> Decimal:
    if value != value.to_integral_value():
        raise UnusableValueError("not_whole", f"{text!r} isn't a whole number")
    return value


def _translator(name: str, vocabulary: Words, source: Compiled) -> Read:
    """Return what looks a text up; an empty text stays empty unless the vocabulary has a default."""
    fold = str.lower if vocabulary.ignore_case else str
    words = {fold(word): ours for word, ours in vocabulary.words.items()}
    read, default, unknown = source.read, vocabulary.default, vocabulary.unknown

    def translate(row: Row) -> Value | None:
        text = cast("str | None", read(row))
        found = default if text is None else words.get(fold(text), default)
        if found is not None or text is None or unknown == "empty":
            return found
        if unknown == "keep":
            return text
        raise UnusableValueError("unknown_word", f"{text!r} isn't a word of words.{name}")

    return translate
