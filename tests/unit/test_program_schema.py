"""What is published of the keys of a definition: the JSON Schema, and the reference in the documents."""

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
import pytest
from msgspec import Struct

from loyalty.program import model
from loyalty.program.keys import KEYS
from loyalty.program.model import Definition
from loyalty.program.reading import decode, find, read_text, shipped
from loyalty.program.reference import reference, sections
from loyalty.program.schema import schema, schema_text
from tests.program_strategies import FULL

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "program.schema.json"
DOCUMENT = ROOT / "docs" / "program-definition.md"


def structs(annotation: Any) -> set[type[Struct]]:
    """Return all structs that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        fields = msgspec.structs.fields(annotation)
        return {annotation}.union(*(structs(field.type) for field in fields))
    return set[type[Struct]]().union(*(structs(each) for each in get_args(annotation)))


def test_every_key_has_a_meaning_and_nothing_else_has() -> None:
    assert {struct: set(struct.__struct_fields__) for struct in structs(Definition)} == {
        struct: set(meanings) for struct, meanings in KEYS.items()
    }


def test_meanings_are_sentences() -> None:
    told = [meaning for meanings in KEYS.values() for meaning in meanings.values()]

    assert [] == [meaning for meaning in told if not re.fullmatch(r'["`A-Z].*\.', meaning)]


def test_the_published_schema_is_that_of_the_structs() -> None:
    """Write it anew with: loyalty program schema > program.schema.json."""
    assert schema_text() == SCHEMA.read_text("utf-8")


def resolved(node: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    (reference_,) = node.get("allOf", [node]) or [node]
    target = reference_.get("$ref")
    return root["definitions"][target.rsplit("/", 1)[1]] if target else node


def allowed(value: Any, node: dict[str, Any], root: dict[str, Any], path: str = "") -> list[str]:
    """Return where a document isn't as the schema says: as far as the schema of definitions goes."""
    node = resolved(node, root)
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    wanted = node.get("type", "string" if "enum" in node else None)
    if not isinstance(value, kinds[wanted]):
        return [path]
    wrong = [path] if "pattern" in node and not re.search(node["pattern"], value) else []
    wrong += [path] if "enum" in node and value not in node["enum"] else []
    wrong += [path] if "minimum" in node and value < node["minimum"] else []
    if isinstance(value, dict):
        wrong += [f"{path}.{key}" for key in node.get("required", ()) if key not in value]
        for key, inner in value.items():
            of_key = node.get("properties", {}).get(key, node.get("additionalProperties"))
            wrong += allowed(inner, of_key, root, f"{path}.{key}") if of_key else [f"{path}.{key}"]
    if isinstance(value, list):
        wrong += [told for each in value for told in allowed(each, node["items"], root, path)]
    return wrong


def as_json(text: str) -> Any:
    """Return what an editor compares with a schema: dates are texts."""
    return json.loads(json.dumps(tomllib.loads(text), default=date.isoformat))


@pytest.mark.parametrize(
    "text", [FULL, *(read_text(find(name)) for name in shipped())], ids=["full", *shipped()]
)
def test_what_holds_is_as_the_schema_says(text: str) -> None:
    assert [] == allowed(as_json(text), schema(), schema())


@pytest.mark.parametrize(
    ("right", "wrong", "path"),
    [
        ("bonus_percent = 20", "bonus_pct = 20", ".tier.bonus_pct"),
        ('currency = "CNY"', 'currency = "yuan"', ".currency"),
        ('period = "calendar_year"', 'period = "year"', ".qualification.period"),
        ("months = 24", 'months = "24"', ".expiry.months"),
        ("members = 4", "members = 1", ".household.members"),
        ('name = { en = "Silver", zh = "银卡" }', 'name = { en = "Silver" }', ".tier.name.zh"),
        ("version = 1\n", "", ".version"),
    ],
)
def test_what_has_a_wrong_form_is_not_as_the_schema_says(right: str, wrong: str, path: str) -> None:
    assert right in FULL
    assert [path] == allowed(as_json(FULL.replace(right, wrong)), schema(), schema())


def test_the_schema_says_what_every_key_means_and_knows_no_null() -> None:
    root = schema()
    tables = [root, *root["definitions"].values()]

    assert len(KEYS) == len(tables)
    assert all(told["description"] for table in tables for told in table["properties"].values())
    assert "null" not in schema_text()
    assert r"(?!\n)" not in schema_text()


def test_the_full_definition_says_every_key() -> None:
    """What tests take from it is then a test of every key."""
    said = set[tuple[str, str]]()
    collect(tomllib.loads(FULL), Definition, said)

    assert {(struct.__name__, key) for struct, keys in KEYS.items() for key in keys} - said <= {
        (struct.__name__, key)
        for struct in (model.EarningRule, model.Cap, model.Exclusion, model.Promotion)
        for key in model.Match.__struct_fields__
    } | {("Qualification", "bar"), ("Qualification", "lifetime")}
    assert decode(FULL)


def collect(value: Any, annotation: Any, said: set[tuple[str, str]]) -> None:
    """Gather the keys that a document says, by struct."""
    if get_origin(annotation) in {Union, UnionType}:
        annotation = next(each for each in get_args(annotation) if each is not NoneType)
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        kinds = {field.name: field.type for field in msgspec.structs.fields(annotation)}
        for key, inner in value.items():
            said.add((annotation.__name__, key))
            collect(inner, kinds[key], said)
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            collect(inner, get_args(annotation)[-1 if isinstance(value, dict) else 0], said)


def test_the_reference_in_the_documents_is_that_of_the_structs() -> None:
    """Write it anew, from "### Names" to the end, with `loyalty.program.reference.reference`."""
    assert DOCUMENT.read_text("utf-8").endswith(f"\n\n{reference()}")


def test_the_reference_tells_every_table_once_and_every_key() -> None:
    told = [struct for _, struct in sections()]

    assert {*told, model.Name} == KEYS.keys()
    assert len(told) + 1 == len(KEYS)
    for title, struct in sections():
        table = reference().split(f"\n### {title}\n")[1].split("\n### ")[0]
        own = [key for key in struct.__struct_fields__ if key not in model.Match.__struct_fields__]
        assert [] == [key for key in own if f"\n| `{key}` | " not in table]
