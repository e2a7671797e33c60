"""The reference of every key of a definition, as Markdown: made from the structs and their keys' meanings. Pure."""

import inspect
import json
from collections.abc import Iterator
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, cast, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from loyalty.program import model
from loyalty.program.keys import KEYS

_MATCH: Final = model.Match.__struct_fields__
_HEAD: Final = ("| key | what to write | left out | meaning |", "| --- | --- | --- | --- |")
_EVERYWHERE: Final = (model.Name,)
"""Structs that are told once, before all others."""


class Section(NamedTuple):
    """A table of the file, as it is written, and the struct that it is."""

    title: str
    struct: type[Struct]


def reference() -> str:
    """Return the reference: a table of keys for each table of the file."""
    return "\n\n".join([*_sections()]) + "\n"


def sections() -> Iterator[Section]:
    """Yield every table of a definition once, in the order of the file's keys."""
    yield Section("The top of the file", model.Definition)
    yield from _inside(model.Definition, "", set(_EVERYWHERE))


def _inside(struct: type[Struct], path: str, seen: set[type[Struct]]) -> Iterator[Section]:
    for field in msgspec.structs.fields(struct):
        inner, is_list = _table(field.type)
        if inner is None or inner in seen:
            continue
        seen.add(inner)
        name = f"{path}{field.name}"
        yield Section(f"`[[{name}]]`" if is_list else f"`[{name}]`", inner)
        yield from _inside(inner, f"{name}.", seen)


def _sections() -> Iterator[str]:
    match = [
        f"| `{field.name}` | {_kind(field.type)} | {_all(field.name)} | {KEYS[model.Promotion][field.name]} |"
        for field in msgspec.structs.fields(model.Match)
    ]
    yield "\n".join(["### Names", "", *_HEAD, *_rows(model.Name)])
    yield "\n".join(["### Which stays", "", _told(model.Match), "", *_HEAD, *match])
    for title, struct in sections():
        yield "\n".join([f"### {title}", "", _told(struct), "", *_HEAD, *_rows(struct)])


def _all(key: str) -> str:
    """Say for which stays a rule is that leaves a list out."""
    return "none" if key.startswith("except_") else "all"


def _told(struct: type[Struct]) -> str:
    return inspect.cleandoc(struct.__doc__ or "")


def _rows(struct: type[Struct]) -> Iterator[str]:
    fields = msgspec.structs.fields(struct)
    if issubclass(struct, model.Match):
        yield f"| `{_MATCH[0]}` … `{_MATCH[-1]}` | | | [Which stays](#which-stays). |"
        fields = tuple(field for field in fields if field.name not in _MATCH)
    for field in fields:
        yield f"| `{field.name}` | {_kind(field.type)} | {_left_out(field)} | {KEYS[struct][field.name]} |"


def _table(annotation: Any) -> tuple[type[Struct] | None, bool]:
    """Return the struct that a key holds, if any, and whether it may hold several."""
    kind, _ = _bare(annotation)
    is_list = get_origin(kind) is tuple
    if is_list:
        kind, _ = _bare(get_args(kind)[0])
    return (kind, is_list) if isinstance(kind, type) and issubclass(kind, Struct) else (None, is_list)


def _bare(annotation: Any) -> tuple[Any, Meta]:
    """Return a type without what is said about it, and that."""
    if get_origin(annotation) in {Union, UnionType}:
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
    if get_origin(annotation) is Annotated:
        kind, meta, *_ = get_args(annotation)
        return kind, meta
    return annotation, Meta()


def _kind(annotation: Any) -> str:
    """Say what to write for a key."""
    kind, meta = _bare(annotation)
    struct, is_list = _table(annotation)
    if struct is not None:
        return "a name" if struct is model.Name else "tables" if is_list else "a table"
    if get_origin(kind) is tuple:
        return f"a list of: {_kind(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return _kind_of_dict(*get_args(kind))
    if get_origin(kind) is Literal:
        return ", ".join(f"`{json.dumps(word)}`" for word in get_args(kind))
    if kind is int:
        return _range(meta)
    if kind is str and meta.description:
        return _text(meta.description)
    return {bool: "`true` or `false`", date: "a date", str: "a text"}[kind]


def _kind_of_dict(key: Any, value: Any) -> str:
    names = {model.CurrencyCode: "currencies", str: "units"}.get(key, "codes")
    return f"a table: {names} = {_kind(value)}"


def _text(description: str) -> str:
    known = {
        model.Decimal: "a decimal in quotes",
        model.Identifier: "a code",
        model.CurrencyCode: "a currency",
    }
    for annotation, words in known.items():
        if cast("Meta", get_args(annotation)[1]).description == description:
            return words
    return description[0].lower() + description[1:].rstrip(".")


def _range(meta: Meta) -> str:
    if meta.ge is None:
        return "a whole number"
    return f"a whole number from {meta.ge}" + (f" to {meta.le}" if meta.le is not None else "")


def _left_out(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "**needed**"
    value = field.default
    if value is msgspec.NODEFAULT or value is None or value == () or isinstance(value, Struct):
        return ""
    return f"`{json.dumps(value)}`"
