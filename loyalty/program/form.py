"""The form of a definition: all keys that are unknown or missing, all values of a wrong kind, told at once. Pure.

msgspec stops at the first. So where it finds one, the document is gone through key by key, and each value on its own.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, cast, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from loyalty.program import model
from loyalty.program.keys import meaning
from loyalty.program.mistakes import Mistake, Path, listed, near
from loyalty.program.model import Definition

_SHOWN: Final = 40
"""Letters of a value that are shown."""
_BELOW_ZERO: Final = "It can't be below zero"
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
_THOUSANDS: Final = re.compile(r"[0-9]{1,3}([,_ '][0-9]{3})+(\.[0-9]+)?")
_COMMA: Final = re.compile(r"[0-9]+,[0-9]{1,2}")
_TOP: Final = frozenset(Definition.__struct_fields__)


def convert(document: Mapping[str, Any]) -> Definition | list[Mistake]:
    """Return the definition that a TOML document is, or everything that is wrong with its form."""
    try:
        return msgspec.convert(document, Definition)
    except msgspec.ValidationError as error:
        return list(_value(document, Definition, ())) or [Mistake((), str(error))]


class _Kind(NamedTuple):
    """A type, without what may be said of it, and that: its origin, arguments and limits."""

    type: Any
    origin: Any
    arguments: tuple[Any, ...]
    meta: Meta


def _kind(annotation: Any) -> _Kind:
    meta = Meta()
    if get_origin(annotation) in {Union, UnionType}:
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
    if get_origin(annotation) is Annotated:
        annotation, meta = get_args(annotation)[:2]
    return _Kind(annotation, get_origin(annotation), get_args(annotation), meta)


def _value(value: Any, annotation: Any, path: Path) -> Iterator[Mistake]:
    """Tell what is wrong with a value, or with those in it."""
    kind = _kind(annotation)
    if isinstance(kind.type, type) and issubclass(kind.type, Struct):
        yield from _table(value, kind.type, path)
    elif kind.origin is tuple:
        yield from _list(value, kind, path)
    elif kind.origin is dict:
        yield from _dict(value, kind, path)
    elif not _is(value, annotation):
        yield _wrong(value, kind, path)


def _table(value: Any, struct: type[Struct], path: Path) -> Iterator[Mistake]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield Mistake(
            path, "is one table, not a list of tables", f"Write [{_header(path)}] in single brackets"
        )
        return
    if not isinstance(value, dict):
        yield Mistake(path, f"{_shown(value)} is not a table", _like_table(struct))
        return
    given = cast("dict[str, Any]", value)
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    meant = set[str]()
    for key, inner in given.items():
        if field := fields.get(key):
            yield from _value(inner, field.type, (*path, key))
        else:
            suggestion = near(key, fields.keys() - given.keys())
            meant |= {name for name in fields if suggestion and f"`{name}`" in suggestion}
            yield _unknown(key, fields, path, suggestion)
    for key, field in fields.items():
        if field.required and key not in given and key not in meant:
            yield Mistake((*path, key), f"is missing. {meaning(struct, key)}".removesuffix("."))


def _unknown(key: str, fields: Mapping[str, Any], path: Path, suggestion: str | None) -> Mistake:
    message = f"there is no key `{key}` here"
    if suggestion is None:
        suggestion = _elsewhere(key, path)
    if suggestion is None:
        message += f"; there are: {listed(fields)}"
    return Mistake((*path, key), message, suggestion)


def _elsewhere(key: str, path: Path) -> str | None:
    """Say where a key belongs that is known in another place: it often stands behind one header too many."""
    if path and key in _TOP:
        return "It belongs to the top of the file, before the first [table]"
    if path:
        return None
    sections = [
        f"[{field.name}]"
        for field in msgspec.structs.fields(Definition)
        if isinstance(inner := _kind(field.type).type, type)
        and issubclass(inner, Struct)
        and key in inner.__struct_fields__
    ]
    return f"It belongs to {' or '.join(sections)}" if sections else None


def _list(value: Any, kind: _Kind, path: Path) -> Iterator[Mistake]:
    inner = kind.arguments[0]
    is_table = isinstance(kind_of_entry := _kind(inner).type, type) and issubclass(kind_of_entry, Struct)
    if is_table and isinstance(value, dict):
        yield Mistake(
            path, "is a list of tables, not one table", f"Write [[{_header(path)}]] in double brackets"
        )
        return
    if not isinstance(value, list):
        yield Mistake(
            path, f"{_shown(value)} is not a list", None if is_table else f"Write [{_shown(value)}]"
        )
        return
    entries = cast("list[Any]", value)
    for place, entry in enumerate(entries):
        yield from _value(entry, inner, (*path, place))
    if len(entries) < (kind.meta.min_length or 0):
        yield Mistake(path, f"there must be at least {kind.meta.min_length}")


def _dict(value: Any, kind: _Kind, path: Path) -> Iterator[Mistake]:
    if not isinstance(value, dict):
        yield Mistake(path, f"{_shown(value)} is not a table", 'Write { key = "value" }')
        return
    of_key, of_value = kind.arguments
    for key, inner in cast("dict[str, Any]", value).items():
        if _is(key, of_key):
            yield from _value(inner, of_value, (*path, key))
        else:
            told = _wrong(key, _kind(of_key), (*path, key))
            yield msgspec.structs.replace(told, suggestion=_elsewhere(key, path) or told.suggestion)


def _is(value: Any, annotation: Any) -> bool:
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError:
        return False
    return True


# --- in words ---------------------------------------------------------------------------------------------------------


def _wrong(value: Any, kind: _Kind, path: Path) -> Mistake:
    return Mistake(path, f"{_shown(value)} is not {_wanted(kind)}", _suggestion(value, kind))


def _wanted(kind: _Kind) -> str:
    """Say what a value should be."""
    if kind.origin is Literal:
        return f"one of {listed(json.dumps(word) for word in kind.arguments)}"
    if kind.type is int:
        return f"a whole number{_range(kind.meta)}"
    if kind.meta.description:
        return kind.meta.description[0].lower() + kind.meta.description[1:].rstrip(".")
    return {bool: "true or false", date: "a date like 2027-01-31", str: "a text in quotes"}[kind.type]


def _range(meta: Meta) -> str:
    if meta.ge is None:
        return ""
    return f" of {meta.ge} or more" if meta.le is None else f" from {meta.ge} to {meta.le}"


def _suggestion(value: Any, kind: _Kind) -> str | None:
    if isinstance(value, str):
        return _for_text(value, kind)
    if _is_number(value) and kind.type is str:
        quoted = json.dumps(str(value))
        if _is(str(value), Annotated[kind.type, kind.meta]):
            return f"Write {quoted}"
        return _BELOW_ZERO if quoted.startswith('"-') else "Write it in quotes"
    if kind.type is str and type(value) is date and _is(text := f"{value:%m-%d}", Annotated[str, kind.meta]):
        return f'Write "{text}"'
    if kind.type is date and isinstance(value, datetime):
        return f"Write {value.date()}"
    return None


def _for_text(value: str, kind: _Kind) -> str | None:
    if kind.origin is Literal:
        return near(value, kind.arguments)
    if kind.type is bool:
        plain = value.strip().lower()
        return f"Write {plain}, without quotes" if plain in {"true", "false"} else None
    number = _number(value)
    if number is not None and kind.type is int:
        return f"Write {number}, without quotes" if number.isdecimal() else None
    if number is not None and _is(number, Annotated[kind.type, kind.meta]):
        return _BELOW_ZERO if number != value and value.strip().startswith("-") else f'Write "{number}"'
    like = re.sub(r"[^a-z0-9_]+", "_", value.strip().lower()).strip("_")
    for guess in (like, value.strip().upper()):
        if guess != value and kind.type is str and _is(guess, Annotated[kind.type, kind.meta]):
            return f"Did you mean `{guess}`?"
    return None


def _number(text: str) -> str | None:
    """Read a number as people write it, with signs, thousands or in full width; None when it is none.

    >>> _number("10,000"), _number("0,5"), _number("20%"), _number("２"), _number("x")
    ('10000', '0.5', '20', '2', None)
    """
    plain = unicodedata.normalize("NFKC", text).strip().strip("+-%xX×").strip()
    if _THOUSANDS.fullmatch(plain):
        plain = re.sub("[,_ ']", "", plain)
    elif _COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    return plain if _NUMBER.fullmatch(plain) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _header(path: Path) -> str:
    return ".".join(step for step in path if isinstance(step, str))


def _like_table(struct: type[Struct]) -> str | None:
    return 'Write { en = "…", zh = "…" }' if struct is model.Name else None


def _shown(value: Any) -> str:
    """Return a value as it stands in TOML, or what it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= _SHOWN else f'{text[:_SHOWN]}…"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, Sequence):
        return "a list"
    return value.isoformat() if isinstance(value, date | time) else str(value)
