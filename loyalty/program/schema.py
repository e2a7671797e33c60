"""The JSON Schema of a definition, for editors: made from the structs and from what their keys mean. Pure."""

import inspect
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from loyalty.program.keys import KEYS
from loyalty.program.model import Definition

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""The draft that editors of TOML know best."""
_NO_LINE_END: Final = r"(?!\n)"
"""What Python's patterns need behind their end, and others don't."""


def schema() -> dict[str, Any]:
    """Return the schema. In TOML there is no null: a key that may be left out is left out."""
    _, definitions = msgspec.json.schema_components([Definition], ref_template="#/definitions/{name}")
    described = {struct.__name__: _described(definitions[struct.__name__], struct) for struct in KEYS}
    root = described.pop(Definition.__name__)
    return {"$schema": _DRAFT, **root, "title": "Program of a hotel loyalty ledger", "definitions": described}


def schema_text() -> str:
    """Return the schema as it is published."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def _described(definition: dict[str, Any], struct: type[Struct]) -> dict[str, Any]:
    properties = {
        key: _property(definition["properties"][key], KEYS[struct][key]) for key in struct.__struct_fields__
    }
    return definition | {"description": inspect.cleandoc(struct.__doc__ or ""), "properties": properties}


def _property(value: dict[str, Any], meaning: str) -> dict[str, Any]:
    """Add what a key means; beside a reference it would not be seen, so that is wrapped."""
    plain = cast("dict[str, Any]", _plain(value))
    if "$ref" in plain:
        plain["allOf"] = [{"$ref": plain.pop("$ref")}]
    own = plain.pop("description", None)
    return {"description": f"{meaning} {own}" if own else meaning, **plain}


def _plain(value: Any) -> Any:
    """Take away nulls, and what other languages' patterns don't need."""
    if isinstance(value, dict):
        told = cast("dict[str, Any]", value).items()
        inner = {key: _plain(each) for key, each in told if each is not None}
        choices: list[dict[str, Any]] = inner.pop("anyOf", [])
        given = [each for each in choices if each != {"type": "null"}]
        return {**given[0], **inner} if given else inner
    if isinstance(value, list):
        return [_plain(each) for each in cast("list[Any]", value)]
    return value.replace(_NO_LINE_END, "") if isinstance(value, str) else value
