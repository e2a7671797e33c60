"""What msgspec finds wrong, in words for people, with the place of the field.

Patterns are for machines: of a field that has a description, it is told what it should have held.
"""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, Final, cast

from msgspec import inspect

from loyalty.errors import FieldError

__all__ = ["expectation", "field_error", "sentence"]

_LOCATED: Final = re.compile(r"(?s)(.*) - at `(?:key` in `)?(\$[^`]*)`")
_UNKNOWN: Final = re.compile(r"(?s)Object contains unknown field `(.*)`")
_MISSING: Final = re.compile(r"(?s)Object missing required field `(.*)`")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")
_TYPES: Final = re.compile(r"`([^`]+)`")
_WORDS: Final = {
    "array": "an array",
    "bool": "true or false",
    "date": "a date",
    "datetime": "a date and time",
    "decimal": "a decimal string",
    "float": "a number",
    "int": "an integer",
    "null": "null",
    "object": "an object",
    "str": "a string",
    "uuid": "a UUID",
}
_PHRASES: Final = {
    "Invalid RFC3339 encoded date": "Expected a date, like 2026-01-31.",
    "Invalid RFC3339 encoded datetime": "Expected a date and time with its zone, like 2026-01-31T12:00:00Z.",
    "Invalid decimal string": 'Expected a decimal number in a string, like "1197.00".',
}
# Said in the terms of a program; the type itself knows better.
_BARE: Final = ("Expected `str` matching regex", "Invalid enum value")
_LONGEST: Final = 200


def field_error(message: str, kind: Any = None) -> FieldError:
    """Read msgspec's message into a JSON pointer and a sentence.

    >>> field_error("Object contains unknown field `foo` - at `$.lines[0]`")
    FieldError(pointer='/lines/0/foo', detail='Unknown field.', parameter='', key='', line=0)
    """
    what, path = message, "$"
    if located := _LOCATED.fullmatch(message):
        what, path = located.groups()
    if named := _UNKNOWN.fullmatch(what):
        return FieldError(_pointer(path, named[1]), "Unknown field.")
    if named := _MISSING.fullmatch(what):
        return FieldError(_pointer(path, named[1]), "Required field is missing.")
    if kind is not None and what.startswith(_BARE) and (better := expectation(kind, _steps(path))):
        return FieldError(_pointer(path), better)
    return FieldError(_pointer(path), sentence(what))


def _steps(path: str) -> list[str]:
    return [name or index or anything for name, index, anything in _STEP.findall(path)]


def _pointer(path: str, *names: str) -> str:
    steps: list[str] = []
    for name, index, anything in _STEP.findall(path):
        if anything:  # msgspec doesn't say which key of a map it was: point at the map
            return _escaped(steps)
        steps.append(name or index)
    return _escaped([*steps, *names])


def _escaped(steps: list[str]) -> str:
    return "".join("/" + step[:_LONGEST].replace("~", "~0").replace("/", "~1") for step in steps)


def sentence(what: str) -> str:
    if phrase := _PHRASES.get(what):
        return phrase
    if what.startswith(_BARE[0]):
        return "Expected a string of another form."
    return _TYPES.sub(_in_words, what)[:_LONGEST].rstrip(".") + "."


def _in_words(match: re.Match[str]) -> str:
    return " or ".join(_WORDS.get(part, f"`{part}`") for part in match[1].split(" | "))


# --- what a field should have held --------------------------------------------------------------------------------

_type_info: Final = lru_cache(256)(inspect.type_info)


def expectation(kind: Any, steps: Sequence[str]) -> str | None:
    """Return a sentence about what a place in a type should hold; None when the type doesn't say.

    >>> from loyalty.stays.model import StayPosting
    >>> expectation(StayPosting, ["status"])
    'Expected one of: cancelled, checked_out, no_show.'
    """
    place: inspect.Type | None = _type_info(kind)
    for step in steps:
        place = _inside(place, step)
    return _told(place)


def _inside(place: inspect.Type | None, step: str) -> inspect.Type | None:
    place = _bare(place)
    if isinstance(place, inspect.StructType):
        return next((field.type for field in place.fields if field.encode_name == step), None)
    if isinstance(place, inspect.ListType | inspect.VarTupleType):
        return place.item_type
    return place.value_type if isinstance(place, inspect.DictType) else None


def _bare(place: inspect.Type | None) -> inspect.Type | None:
    """Return what stands behind `null` and behind descriptions."""
    if isinstance(place, inspect.UnionType):
        place = next((one for one in place.types if not isinstance(one, inspect.NoneType)), None)
    return place.type if isinstance(place, inspect.Metadata) else place


def _told(place: inspect.Type | None) -> str | None:
    if isinstance(place, inspect.UnionType):
        return next((words for one in place.types if (words := _told(one))), None)
    if isinstance(place, inspect.Metadata) and place.extra_json_schema is not None:
        described: str = cast("dict[str, Any]", place.extra_json_schema).get("description", "")
        return f"Expected {described[:1].lower()}{described[1:].rstrip('.')}." if described else None
    if isinstance(place, inspect.LiteralType):
        return f"Expected one of: {', '.join(map(str, place.values))}."
    if isinstance(place, inspect.EnumType):
        values = [str(one.value) for one in cast("Iterable[Enum]", place.cls)]
        return f"Expected one of: {', '.join(values)}."
    return None
