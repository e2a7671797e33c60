"""On which line a key stands, in every way that TOML can say it."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.program.mistakes import Path, key_of
from loyalty.program.model import Definition
from loyalty.program.places import line_of, places
from loyalty.program.reading import find, read_text, shipped
from tests.program_strategies import FULL, definitions, toml_of

EVERYTHING = (
    r"""# a comment = [with, { brackets
plain = 1 # [a]
'quoted key' = "a # no comment, ] no end"
"with \u0022 escapes\u0022".'and dots' = 1979-05-27 07:32:00
dotted.twice.a = +1_000
dotted . twice . b = -inf
list = [ 1, "]",
  [ true, 'x' ], # ] no end
  { a = 1, b.c = "}" },
]
empty = []
none = {}
text = """
    '"""'
    r"""
[not.a.header]
key = 1 \""" no end """
    '"""""'
    r"""
literal = '''
[[not.one]] '' \''''
last = "\\"

[table]
a = 0x1F
  [table.inner]
  b = 2
[[many]]
c = 1
[many.of.it]
d = 1
[[many.of.them]]
e = 1
[[many.of.them]]
[[ many ]]
[[many."of".them]]
f = 1
[implied.by.this]
g = 1
"""
)

LINES = {
    ("plain",): 2, ("quoted key",): 3, ('with " escapes"',): 4, ('with " escapes"', "and dots"): 4,
    ("dotted",): 5, ("dotted", "twice"): 5, ("dotted", "twice", "a"): 5, ("dotted", "twice", "b"): 6,
    ("list",): 7, ("list", 0): 7, ("list", 1): 7, ("list", 2): 8, ("list", 2, 0): 8, ("list", 2, 1): 8,
    ("list", 3): 9, ("list", 3, "a"): 9, ("list", 3, "b"): 9, ("list", 3, "b", "c"): 9,
    ("empty",): 11, ("none",): 12, ("text",): 13, ("literal",): 16, ("last",): 18,
    ("table",): 20, ("table", "a"): 21, ("table", "inner"): 22, ("table", "inner", "b"): 23,
    ("many",): 24, ("many", 0): 24, ("many", 0, "c"): 25, ("many", 0, "of"): 26, ("many", 0, "of", "it"): 26,
    ("many", 0, "of", "it", "d"): 27, ("many", 0, "of", "them"): 28, ("many", 0, "of", "them", 0): 28,
    ("many", 0, "of", "them", 0, "e"): 29, ("many", 0, "of", "them", 1): 30,
    ("many", 1): 31, ("many", 1, "of"): 32, ("many", 1, "of", "them"): 32, ("many", 1, "of", "them", 0): 32,
    ("many", 1, "of", "them", 0, "f"): 33,
    ("implied",): 34, ("implied", "by"): 34, ("implied", "by", "this"): 34, ("implied", "by", "this", "g"): 35,
}  # fmt: skip


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the ways to all that is in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield (*path, step)
        yield from paths(each, (*path, step))


def test_every_key_and_entry_has_its_line() -> None:
    assert LINES == places(EVERYTHING)
    assert set(paths(tomllib.loads(EVERYTHING))) == LINES.keys()


def test_lines_that_end_as_on_windows_are_counted_alike() -> None:
    assert LINES == places(EVERYTHING.replace("\n", "\r\n"))


@pytest.mark.parametrize("name", shipped())
def test_nothing_of_a_shipped_definition_is_overlooked(name: str) -> None:
    text = read_text(find(name))

    assert set(paths(tomllib.loads(text))) == places(text).keys()


@settings(max_examples=40, deadline=None)
@given(definitions(), st.booleans())
def test_nothing_of_any_definition_is_overlooked(definition: Definition, headers: bool) -> None:  # noqa: FBT001
    text = toml_of(definition, headers=headers)
    found = places(text)
    lines = text.splitlines()

    assert set(paths(tomllib.loads(text))) == found.keys()
    assert all(path[-1] in lines[line - 1] for path, line in found.items() if isinstance(path[-1], str))


def test_what_is_not_in_the_text_is_told_where_it_should_be() -> None:
    found = places(FULL)

    assert found["tier", 1] == line_of(("tier", 1, "require", "nights"), found)
    assert 1 == line_of(("household", "nothing") if ("household",) not in found else ("nothing",), found)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("tier", 1, "reach", "nights"), "tier silver.reach.nights"),
        (("earning", "rule", 0, "room_types", 0), "earning.rule villas.room_types"),
        (("qualification", "bar", 0, "unit"), "qualification.bar no_shows.unit"),
        (("exchange_from", 1), "exchange_from 2027-07-01"),
        (
            ("milestone", 1, "choice", "among", 1, "name", "en"),
            "milestone ladder.choice.among a_suite.name.en",
        ),
        (("tier", 7), "tier"),
        (("id", "nothing", 0), "id.nothing"),
        ((), ""),
    ],
)
def test_a_way_is_told_by_codes(path: Path, key: str) -> None:
    assert key == key_of(path, tomllib.loads(FULL))


def test_an_entry_without_a_code_is_told_by_its_place() -> None:
    assert "tier 2.reach" == key_of(("tier", 1, "reach"), {"tier": [{"code": "a"}, {"code": 3}]})
