"""What a field should have held, in words: patterns are for machines, their descriptions for people."""

from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, Final, cast

from msgspec import inspect

__all__ = ["expectation"]

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
    return _in_words(place)


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


def _in_words(place: inspect.Type | None) -> str | None:
    if isinstance(place, inspect.UnionType):
        return next((words for one in place.types if (words := _in_words(one))), None)
    if isinstance(place, inspect.Metadata) and place.extra_json_schema is not None:
        described: str = cast("dict[str, Any]", place.extra_json_schema).get("description", "")
        return f"Expected {described[:1].lower()}{described[1:].rstrip('.')}." if described else None
    if isinstance(place, inspect.LiteralType):
        return f"Expected one of: {', '.join(map(str, place.values))}."
    if isinstance(place, inspect.EnumType):
        values = [str(one.value) for one in cast("Iterable[Enum]", place.cls)]
        return f"Expected one of: {', '.join(values)}."
    return None
